// The shipped fields of RaBitQ codes.
#include "sextant/segment/typed_field.hpp"

namespace sextant::inline v1 {

template class TypedField<SquaredL2, RabitqQuantizer>;
template class TypedField<InnerProduct, RabitqQuantizer>;
template class TypedField<Cosine, RabitqQuantizer>;

}  // namespace sextant::inline v1
