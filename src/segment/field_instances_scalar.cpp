// The shipped fields of 8-bit codes.
#include "sextant/segment/typed_field.hpp"

namespace sextant::inline v1 {

template class TypedField<SquaredL2, ScalarQuantizer>;
template class TypedField<InnerProduct, ScalarQuantizer>;
template class TypedField<Cosine, ScalarQuantizer>;

}  // namespace sextant::inline v1
