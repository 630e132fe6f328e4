// The shipped collections of one quantizer: a program links those of the quantizers it uses.
#include "sextant/collection/collection.hpp"

namespace sextant::inline v1 {

template class Collection<SquaredL2, MemoryStorage, RabitqQuantizer>;
template class Collection<InnerProduct, MemoryStorage, RabitqQuantizer>;
template class Collection<Cosine, MemoryStorage, RabitqQuantizer>;
template class Collection<SquaredL2, MappedStorage, RabitqQuantizer>;
template class Collection<InnerProduct, MappedStorage, RabitqQuantizer>;
template class Collection<Cosine, MappedStorage, RabitqQuantizer>;

}  // namespace sextant::inline v1
