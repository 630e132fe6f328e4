/// VersionCell<T>: the current version of something immutable, read without a lock while it is replaced.
/// Invariants: (1) always holds a version; (2) a version never changes after publish(); (3) it is destroyed once: after
/// it was replaced, no guard can see it and no shared reference is left.
/// Threads: thread-safe. A Pinned is confined; a SharedVersion is a value that any thread may hold or drop.
/// Lifetime: the domain outlives the cell and the cell its Pinned; a SharedVersion outlives both if it must.
/// Cost: pin is one compare-exchange and one load; share adds one atomic add and may be held for hours.
/// Why two ways to read: a count that every search raises is one cache line that all cores fight for; an epoch that a
/// cursor holds for hours would keep every later version from being freed.
/// Why not std::atomic<std::shared_ptr>: neither libc++ nor libstdc++ before 12 has it, and where it exists it locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "sextant/core/epoch.hpp"

namespace sextant::inline v1 {

template <class T>
class VersionCell;

/// A counted reference to one version.
template <class T>
class SharedVersion {
public:
    SharedVersion() = default;
    SharedVersion(const SharedVersion& other) noexcept : node_(other.node_) {
        // Relaxed: whoever copies holds a reference already, so nothing is learnt from the count.
        if (node_ != nullptr) node_->references.fetch_add(1, std::memory_order_relaxed);
    }
    SharedVersion(SharedVersion&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    SharedVersion& operator=(SharedVersion other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~SharedVersion() {
        if (node_ != nullptr) node_->drop();
    }

    [[nodiscard]] const T& operator*() const noexcept { return *node_->value; }
    [[nodiscard]] const T* operator->() const noexcept { return node_->value.get(); }
    [[nodiscard]] const T* get() const noexcept { return node_ == nullptr ? nullptr : node_->value.get(); }
    [[nodiscard]] explicit operator bool() const noexcept { return node_ != nullptr; }

private:
    friend class VersionCell<T>;

    struct Node final : Retired {
        explicit Node(std::unique_ptr<const T> version) noexcept : value(std::move(version)) {}
        void reclaim() noexcept override { drop(); }
        void drop() noexcept {
            // Release: this holder's reads are over; acquire: so are all others' when the last one deletes.
            if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(this);
        }
        // Out of line: it is the rare path, and g++ 12 warns of a use after delete when it sees both through atomics.
        [[gnu::noinline]] static void destroy(Node* node) noexcept { delete node; }
        const std::unique_ptr<const T> value;
        std::atomic<std::uint64_t> references{1};  // the cell's own, dropped when reclaimed
    };

    explicit SharedVersion(Node* counted) noexcept : node_(counted) {}
    Node* node_ = nullptr;
};

template <class T>
class VersionCell {
    using Node = typename SharedVersion<T>::Node;

public:
    /// The version that was current when it was made; as long as it lives.
    class Pinned {
    public:
        [[nodiscard]] const T& operator*() const noexcept { return *version_; }
        [[nodiscard]] const T* operator->() const noexcept { return version_; }
        [[nodiscard]] const T* get() const noexcept { return version_; }

    private:
        friend class VersionCell;
        Pinned(EpochGuard guard, const T* version) noexcept : guard_(std::move(guard)), version_(version) {}
        EpochGuard guard_;
        const T* version_;
    };

    /// REQUIRES: initial is not null.
    VersionCell(EpochDomain& domain, std::unique_ptr<const T> initial)
        : domain_(&domain), current_(new Node(std::move(initial))) {}
    VersionCell(const VersionCell&) = delete;
    VersionCell& operator=(const VersionCell&) = delete;
    /// REQUIRES: no Pinned of this cell is alive.
    ~VersionCell() {
        domain_->retire(*current_.exchange(nullptr, std::memory_order_seq_cst));
        domain_->collect();
    }

    /// REQUIRES: as EpochDomain::pin(): one at a time in each thread.
    [[nodiscard]] Pinned pin() const noexcept {
        EpochGuard guard = domain_->pin();
        // seq_cst pairs with publish(): see the proof at EpochDomain.
        const T* version = current_.load(std::memory_order_seq_cst)->value.get();
        return Pinned(std::move(guard), version);
    }

    /// A reference that may be kept. REQUIRES: as pin(), for the duration of the call.
    [[nodiscard]] SharedVersion<T> share() const noexcept {
        const EpochGuard guard = domain_->pin();
        Node* node = current_.load(std::memory_order_seq_cst);
        // The cell's own reference is dropped by reclaim() only, which waits for this guard: the count is at least 1.
        node->references.fetch_add(1, std::memory_order_relaxed);
        return SharedVersion<T>(node);
    }

    /// A version whose publishing can no longer fail.
    class Prepared {
    public:
        Prepared() = default;

    private:
        friend class VersionCell;
        explicit Prepared(std::unique_ptr<Node> node) noexcept : node_(std::move(node)) {}
        std::unique_ptr<Node> node_;
    };
    /// Takes the memory that publish() needs. Throws std::bad_alloc. REQUIRES: next is not null.
    [[nodiscard]] static Prepared prepare(std::unique_ptr<const T> next) {
        return Prepared(std::make_unique<Node>(std::move(next)));
    }

    /// Makes `next` what later pin() and share() see; earlier ones keep what they have. Frees what no one sees any more.
    /// REQUIRES: next came from prepare() and was not published before.
    void publish(Prepared next) noexcept {
        domain_->retire(*current_.exchange(next.node_.release(), std::memory_order_seq_cst));
        domain_->collect();
    }
    /// Both at once. Throws std::bad_alloc before anything changed. REQUIRES: next is not null.
    void publish(std::unique_ptr<const T> next) { publish(prepare(std::move(next))); }

private:
    EpochDomain* const domain_;
    std::atomic<Node*> current_;
};

}  // namespace sextant::inline v1
