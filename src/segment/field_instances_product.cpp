// The shipped fields of product codes.
#include "sextant/segment/typed_field.hpp"

namespace sextant::inline v1 {

template class TypedField<SquaredL2, ProductQuantizer>;
template class TypedField<InnerProduct, ProductQuantizer>;
template class TypedField<Cosine, ProductQuantizer>;

}  // namespace sextant::inline v1
