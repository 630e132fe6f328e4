// Holds nothing: the precompiled header of the tests belongs to the target this file makes possible.
