// The shipped fields of raw floats.
#include "sextant/segment/typed_field.hpp"

namespace sextant::inline v1 {

template class TypedField<SquaredL2, NoQuantizer>;
template class TypedField<InnerProduct, NoQuantizer>;
template class TypedField<Cosine, NoQuantizer>;

}  // namespace sextant::inline v1
