// A sealed segment made anew for its payloads alone: vectors, codes and graph stay where they are.
#include "sextant/segment/sealed_segment.hpp"

namespace sextant::inline v1 {

bool SegmentSealer::share_fields(SealedSegment& segment) const {
    if (sources_.size() != 1) return false;
    const SegmentState& source = sources_[0];
    // The same rows under the same numbers: whatever is over row numbers is the same.
    if (source.segment->kind() != SegmentKind::sealed || kept_rows_ != source.row_count) return false;
    segment.fields_ = static_cast<const SealedSegment&>(*source.segment).fields_;
    return true;
}

}  // namespace sextant::inline v1
