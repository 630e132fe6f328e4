// The shipped collections of one quantizer: a program links those of the quantizers it uses.
#include "sextant/collection/collection.hpp"

namespace sextant::inline v1 {

template class Collection<SquaredL2, MemoryStorage, ProductQuantizer>;
template class Collection<InnerProduct, MemoryStorage, ProductQuantizer>;
template class Collection<Cosine, MemoryStorage, ProductQuantizer>;
template class Collection<SquaredL2, MappedStorage, ProductQuantizer>;
template class Collection<InnerProduct, MappedStorage, ProductQuantizer>;
template class Collection<Cosine, MappedStorage, ProductQuantizer>;

}  // namespace sextant::inline v1
