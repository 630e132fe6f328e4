/// apply: carries out resolved effects. First all that can fail (memory), then all that shows.
#include <algorithm>
#include <utility>

#include "core_state.hpp"
#include "journal.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/segment/segment_limits.hpp"

namespace sextant::inline v1::detail {
namespace {

class Application {
public:
    Application(CoreState& core, const Version& before, const ResolvedEffects& resolved)
        : core_(core), before_(before), effects_(resolved.effects), touched_(before.segments.size()) {}
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;
    ~Application() {
        for (std::size_t i = 0; i < touched_.size(); ++i) {
            if (touched_[i].deleted != nullptr) segment(i).tombstones().abandon(touched_[i].deleted);
        }
    }

    /// Takes all memory. An error, or an exception, leaves everything as it was.
    [[nodiscard]] Result<void> prepare(const std::shared_ptr<GrowingSegment>& active, bool wide_ids) {
        SEXTANT_TRY(place_rows(active, wide_ids));
        SEXTANT_TRY(mark_dead());
        SEXTANT_TRY(make_changes());
        allocate_version();
        return {};
    }

    /// Does it. Cannot fail.
    [[nodiscard]] VersionCell<Version>::Prepared commit() noexcept {
        append_rows();
        put_changes();
        fill_version();
        return std::move(prepared_);
    }

    [[nodiscard]] const Version& version() const noexcept { return *version_; }
    [[nodiscard]] std::shared_ptr<GrowingSegment> last_part() const noexcept {
        return parts_.empty() ? nullptr : parts_.back().segment;
    }

private:
    /// A segment of the version before.
    struct Touched {
        std::vector<std::uint32_t> dead;
        std::size_t changes = 0;                      ///< payload changes
        std::shared_ptr<const TombstoneSet> deleted;  ///< prepared; null once committed
        std::shared_ptr<SegmentState> next;           ///< null: stays as it is
    };
    /// Upserts that go into one growing segment: effects_[begin, end), of which only upserts count.
    struct Part {
        std::shared_ptr<GrowingSegment> segment;
        GrowingSegment::Room room;
        std::size_t begin = 0;
        std::size_t end = 0;
        std::size_t known = 0;  ///< its index in the version before; touched_.size(): new
        std::shared_ptr<SegmentState> next;
    };

    [[nodiscard]] Segment& segment(std::size_t index) const noexcept { return *before_.segments[index]->segment; }

    [[nodiscard]] bool has_room(const Part& part, const Effect& effect, bool wide) const noexcept {
        const GrowingSegment& segment = *part.segment;
        return (segment.wide() || !wide) && segment.row_count() + part.room.rows < segment.max_rows() &&
               segment.payload_bytes() + part.room.payload_bytes + effect.payload.size() <=
                   core_.growing_bytes + limits::max_payload_size &&
               segment.payload_bytes() + part.room.payload_bytes <= core_.growing_bytes;
    }

    [[nodiscard]] Result<void> place_rows(const std::shared_ptr<GrowingSegment>& active, bool wide_ids) {
        bool wide = wide_ids;
        for (const Effect& effect : effects_) wide = wide || (effect.kind == EffectKind::upsert && effect.id.is_uuid());
        for (std::size_t i = 0; i < effects_.size(); ++i) {
            const Effect& effect = effects_[i];
            if (effect.kind != EffectKind::upsert) continue;
            if (parts_.empty() && active != nullptr) {
                parts_.push_back(
                    {.segment = active, .room = {}, .begin = i, .end = i, .known = index_of(*active), .next = {}});
            }
            if (parts_.empty() || !has_room(parts_.back(), effect, effect.id.is_uuid())) {
                SEXTANT_TRY(open_part(i, wide));
            }
            Part& part = parts_.back();
            part.end = i + 1;
            part.room.rows += 1;
            part.room.payload_bytes += effect.payload.size();
            part.room.any_payload = part.room.any_payload || !effect.payload.empty();
        }
        // The first one may have had no room for even one row.
        std::erase_if(parts_, [](const Part& part) { return part.room.rows == 0; });
        for (const Part& part : parts_) SEXTANT_TRY(part.segment->reserve(part.room));
        return {};
    }

    [[nodiscard]] Result<void> open_part(std::size_t begin, bool wide) {
        std::uint64_t vector_bytes = 0;
        for (const auto& field : core_.fields) vector_bytes += field->dimension() * sizeof(float);
        SEXTANT_TRY_ASSIGN(auto segment,
                           GrowingSegment::create(core_.fields, growing_rows_for(vector_bytes, core_.growing_bytes),
                                                  wide, core_.account));
        parts_.push_back({.segment = std::move(segment),
                          .room = {},
                          .begin = begin,
                          .end = begin,
                          .known = touched_.size(),
                          .next = {}});
        return {};
    }

    [[nodiscard]] std::size_t index_of(const Segment& wanted) const noexcept {
        for (std::size_t i = 0; i < before_.segments.size(); ++i) {
            if (before_.segments[i]->segment.get() == &wanted) return i;
        }
        return touched_.size();
    }

    [[nodiscard]] Result<void> mark_dead() {
        for (const Effect& effect : effects_) {
            if (effect.before.row == no_row || effect.kind == EffectKind::payload) continue;
            touched_[effect.before.segment].dead.push_back(to_index(effect.before.row));
        }
        for (std::size_t i = 0; i < touched_.size(); ++i) {
            Touched& touched = touched_[i];
            if (touched.dead.empty()) continue;
            if (segment(i).kind() == SegmentKind::growing) {
                core_.background.reserve_repairs(&segment(i), touched.dead.size());
            }
            SEXTANT_TRY_ASSIGN(touched.deleted, segment(i).tombstones().prepare(touched.dead));
        }
        return {};
    }

    [[nodiscard]] Result<void> make_changes() {
        for (const Effect& effect : effects_) {
            if (effect.kind != EffectKind::payload) continue;
            SEXTANT_TRY_ASSIGN(auto change, PayloadChange::create(effect.version, effect.payload, core_.account));
            changes_.push_back(std::move(change));
            ++touched_[effect.before.segment].changes;
        }
        for (std::size_t i = 0; i < touched_.size(); ++i) {
            if (touched_[i].changes > 0) SEXTANT_TRY(segment(i).overlay().reserve(touched_[i].changes));
        }
        if (changes_.empty()) return {};
        before_.garbage->changes.reserve(before_.garbage->changes.size() + changes_.size());
        next_garbage_ = GarbageRef::create();
        makes_garbage_ = true;
        return {};
    }

    void allocate_version() {
        auto version = std::make_unique<Version>();
        version->segments.reserve(before_.segments.size() + parts_.size());
        for (Touched& touched : touched_) {
            if (!touched.dead.empty() || touched.changes > 0) touched.next = std::make_shared<SegmentState>();
        }
        for (Part& part : parts_) part.next = std::make_shared<SegmentState>();
        version_ = version.get();
        prepared_ = VersionCell<Version>::prepare(std::move(version));
    }

    void append_rows() noexcept {
        for (const Part& part : parts_) {
            const std::uint32_t first = part.segment->row_count();
            for (std::size_t i = part.begin; i < part.end; ++i) {
                const Effect& effect = effects_[i];
                if (effect.kind != EffectKind::upsert) continue;
                part.segment->append(effect.id, effect.version, {&effect.vector, 1}, effect.payload);
            }
            // Only now, and quickly: from here on readers of the version before may meet rows that are not theirs.
            std::uint32_t row = first;
            for (std::size_t i = part.begin; i < part.end; ++i) {
                const Effect& effect = effects_[i];
                if (effect.kind == EffectKind::upsert) part.segment->enroll(row++, effect.id, effect.hash);
            }
        }
    }

    void put_changes() noexcept {
        std::size_t next = 0;
        for (const Effect& effect : effects_) {
            if (effect.kind != EffectKind::payload) continue;
            segment(effect.before.segment)
                .overlay()
                .put(to_index(effect.before.row), std::move(changes_[next++]), before_.garbage->changes);
        }
        for (std::size_t i = 0; i < touched_.size(); ++i) {
            Touched& touched = touched_[i];
            if (touched.deleted == nullptr) continue;
            segment(i).tombstones().commit(touched.deleted);
            touched.deleted.reset();
            if (segment(i).kind() == SegmentKind::growing) core_.background.queue_repairs(&segment(i), touched.dead);
        }
    }

    void fill_version() noexcept {
        std::uint64_t live = 0;
        for (std::size_t i = 0; i < touched_.size(); ++i) {
            const auto& old = before_.segments[i];
            const auto part = std::find_if(parts_.begin(), parts_.end(), [&](const Part& p) { return p.known == i; });
            if (part != parts_.end()) {
                *part->next = part->segment->state(old->segment);
                version_->segments.push_back(std::move(part->next));
            } else if (touched_[i].next != nullptr) {
                *touched_[i].next = *old;
                const Segment& changed = *old->segment;
                touched_[i].next->overlay = changed.overlay().table();
                touched_[i].next->deleted = changed.tombstones().current();
                touched_[i].next->live_count = old->row_count - changed.tombstones().count();
                version_->segments.push_back(std::move(touched_[i].next));
            } else {
                version_->segments.push_back(old);
            }
            live += version_->segments.back()->live_count;
        }
        for (Part& part : parts_) {
            if (part.known != touched_.size()) continue;
            *part.next = part.segment->state(part.segment);
            live += part.next->live_count;
            version_->segments.push_back(std::move(part.next));
        }
        version_->live_count = live;
        // When a log is replayed, segments may know of later writes already.
        version_->last = std::max(before_.last, effects_.back().version);
        version_->codes = before_.codes;
        version_->garbage = makes_garbage_ ? next_garbage_ : before_.garbage;
        // What readers of the version before still see goes no earlier than they do.
        if (makes_garbage_) before_.garbage.chain(next_garbage_);
    }

    CoreState& core_;
    const Version& before_;
    const std::vector<Effect>& effects_;
    std::vector<Touched> touched_;
    std::vector<Part> parts_;
    std::vector<PayloadChange::Owner> changes_;
    bool makes_garbage_ = false;
    GarbageRef next_garbage_;
    Version* version_ = nullptr;
    VersionCell<Version>::Prepared prepared_;
};

}  // namespace

/// On a full disk what frees space may use the reserve.
Result<void> CoreState::append_to_log(const ResolvedEffects& resolved) {
    auto logged = log_effects(resolved, frame, *log);
    if (logged || logged.error().code != ErrorCode::resource_exhausted) return logged;
    const bool grows = std::any_of(resolved.effects.begin(), resolved.effects.end(),
                                   [](const Effect& effect) { return effect.kind != EffectKind::erase; });
    if (grows || !store->release_reserve()) return logged;
    return log_effects(resolved, frame, *log);
}

Result<CommitQueue::Ticket> CoreState::apply(const ResolvedEffects& resolved, Durability durability) {
    if (resolved.effects.empty()) return CommitQueue::Ticket{0};
    Application application(*this, *current, resolved);
    SEXTANT_TRY(application.prepare(active, wide_ids));
    commits.reserve();
    if (log != nullptr) SEXTANT_TRY(append_to_log(resolved));
    auto prepared = application.commit();
    const Version& next = application.version();
    if (auto last = application.last_part(); last != nullptr) {
        wide_ids = last->wide();
        active = std::move(last);
        active_segment.store(active.get(), std::memory_order_relaxed);
    }
    current = &next;
    return commits.push(std::move(prepared), next, durability);
}

}  // namespace sextant::inline v1::detail
