// The shipped collections of one quantizer: a program links those of the quantizers it uses.
#include "sextant/collection/collection.hpp"

namespace sextant::inline v1 {

template class Collection<SquaredL2, MemoryStorage, NoQuantizer>;
template class Collection<InnerProduct, MemoryStorage, NoQuantizer>;
template class Collection<Cosine, MemoryStorage, NoQuantizer>;
template class Collection<SquaredL2, MappedStorage, NoQuantizer>;
template class Collection<InnerProduct, MappedStorage, NoQuantizer>;
template class Collection<Cosine, MappedStorage, NoQuantizer>;

}  // namespace sextant::inline v1
