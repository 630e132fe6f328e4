// The shipped collections of one quantizer: a program links those of the quantizers it uses.
#include "sextant/collection/collection.hpp"

namespace sextant::inline v1 {

template class Collection<SquaredL2, MemoryStorage, ScalarQuantizer>;
template class Collection<InnerProduct, MemoryStorage, ScalarQuantizer>;
template class Collection<Cosine, MemoryStorage, ScalarQuantizer>;
template class Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
template class Collection<InnerProduct, MappedStorage, ScalarQuantizer>;
template class Collection<Cosine, MappedStorage, ScalarQuantizer>;

}  // namespace sextant::inline v1
