#include "io/detail/uring.hpp"

#if defined(__linux__) && __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#include <sys/syscall.h>
#ifdef IO_URING_OP_SUPPORTED  // headers of Linux 5.6: what is used below is that old
#define SEXTANT_HAS_URING 1
#endif
#endif

#ifdef SEXTANT_HAS_URING

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/detail/posix_error.hpp"

namespace sextant::inline v1::detail {
namespace {

// The same on every architecture, as all system calls since 2019; older headers lack them.
constexpr long setup_call = 425;
constexpr long enter_call = 426;
constexpr long register_call = 427;

int setup(std::uint32_t entries, io_uring_params& params) noexcept {
    return static_cast<int>(::syscall(setup_call, entries, &params));
}
int enter(int ring, std::uint32_t submitted, std::uint32_t wanted) noexcept {
    return static_cast<int>(::syscall(enter_call, ring, submitted, wanted, IORING_ENTER_GETEVENTS, nullptr, 0));
}

/// Memory shared with the kernel. A child of fork() does not get it: two processes at one ring would mix their reads up.
class Shared {
public:
    Shared() = default;
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() {
        if (at_ != nullptr) ::munmap(at_, size_);
    }
    [[nodiscard]] bool map(int ring, std::size_t size, off_t what) noexcept {
        void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);
        if (at == MAP_FAILED) return false;
        at_ = at;
        size_ = size;
        (void)::madvise(at_, size_, MADV_DONTFORK);
        return true;
    }
    template <class T>
    [[nodiscard]] T* at(std::uint32_t offset) const noexcept {
        return reinterpret_cast<T*>(static_cast<std::byte*>(at_) + offset);
    }

private:
    void* at_ = nullptr;
    std::size_t size_ = 0;
};

/// Whether the kernel knows the operation (Linux 5.6).
bool can_read(int ring) noexcept {
    constexpr unsigned most = 256;
    alignas(io_uring_probe) std::array<std::byte, sizeof(io_uring_probe) + most * sizeof(io_uring_probe_op)> room{};
    auto* const probe = reinterpret_cast<io_uring_probe*>(room.data());
    if (::syscall(register_call, ring, IORING_REGISTER_PROBE, probe, most) != 0) return false;
    return probe->last_op >= IORING_OP_READ && (probe->ops[IORING_OP_READ].flags & IO_URING_OP_SUPPORTED) != 0;
}

/// What another process or thread may give back, in contrast to what the kernel will never do.
bool passes(int number) noexcept {
    return number == EMFILE || number == ENFILE || number == ENOMEM || number == EAGAIN;
}

}  // namespace

struct Uring::Ring {
    explicit Ring(int number) noexcept : descriptor(number) {}
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() { ::close(descriptor); }

    [[nodiscard]] bool map(const io_uring_params& params) noexcept {
        const std::size_t queue_end = params.sq_off.array + params.sq_entries * sizeof(std::uint32_t);
        const std::size_t answers_end = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
        if (!queues.map(descriptor, std::max(queue_end, answers_end), IORING_OFF_SQ_RING)) return false;
        if (!entries.map(descriptor, params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES)) return false;
        head = queues.at<std::uint32_t>(params.sq_off.head);
        tail = queues.at<std::uint32_t>(params.sq_off.tail);
        mask = *queues.at<std::uint32_t>(params.sq_off.ring_mask);
        order = queues.at<std::uint32_t>(params.sq_off.array);
        answers_head = queues.at<std::uint32_t>(params.cq_off.head);
        answers_tail = queues.at<std::uint32_t>(params.cq_off.tail);
        answers_mask = *queues.at<std::uint32_t>(params.cq_off.ring_mask);
        answers = queues.at<io_uring_cqe>(params.cq_off.cqes);
        return true;
    }
    /// Queues one read. REQUIRES: the queue is not full.
    void push(int file, const ReadRequest& request, std::uint64_t index) noexcept {
        const std::uint32_t at = *tail;
        const std::uint32_t slot = at & mask;
        io_uring_sqe& entry = *entries.at<io_uring_sqe>(static_cast<std::uint32_t>(slot * sizeof(io_uring_sqe)));
        std::memset(&entry, 0, sizeof entry);
        entry.opcode = IORING_OP_READ;
        entry.fd = file;
        entry.off = request.offset;
        entry.addr = reinterpret_cast<std::uintptr_t>(request.into.data());
        constexpr std::size_t most = std::size_t{1} << 30U;  // the rest of a longer one is unfinished
        entry.len = static_cast<std::uint32_t>(std::min(request.into.size(), most));
        entry.user_data = index;
        order[slot] = slot;
        __atomic_store_n(tail, at + 1, __ATOMIC_RELEASE);  // pairs with the kernel, which looks in enter()
    }
    /// Takes back what the kernel has not begun.
    std::uint32_t take_back() noexcept {
        const std::uint32_t begun = __atomic_load_n(head, __ATOMIC_ACQUIRE);
        const std::uint32_t left = *tail - begun;
        __atomic_store_n(tail, begun, __ATOMIC_RELEASE);
        return left;
    }

    int descriptor;
    pid_t owner = ::getpid();
    Shared queues;
    Shared entries;
    std::uint32_t* head = nullptr;
    std::uint32_t* tail = nullptr;
    std::uint32_t mask = 0;
    std::uint32_t* order = nullptr;
    std::uint32_t* answers_head = nullptr;
    std::uint32_t* answers_tail = nullptr;
    std::uint32_t answers_mask = 0;
    io_uring_cqe* answers = nullptr;
};

Uring::Uring(std::unique_ptr<Ring> ring) noexcept : ring_(std::move(ring)) {}
Uring::~Uring() = default;

bool Uring::is_own() const noexcept { return ring_->owner == ::getpid(); }

std::unique_ptr<Uring> Uring::open(Refusal& refusal) {
    refusal = {.number = ENOSYS, .lasting = true};
    io_uring_params params = {};
#ifdef IORING_SETUP_COOP_TASKRUN
    // The thread waits in enter() anyway, so it needs no interrupt to learn of an answer (Linux 5.19).
    params.flags = IORING_SETUP_COOP_TASKRUN;
    int number = setup(depth, params);
    if (number < 0 && errno == EINVAL) {
        params = {};
        number = setup(depth, params);
    }
#else
    const int number = setup(depth, params);
#endif
    if (number < 0) {
        refusal = {.number = errno, .lasting = !passes(errno)};
        return nullptr;
    }
    auto ring = std::make_unique<Ring>(number);
    constexpr std::uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP;
    if ((params.features & needed) != needed || !can_read(number)) return nullptr;
    if (!ring->map(params)) {
        refusal = {.number = errno, .lasting = !passes(errno)};
        return nullptr;
    }
    return std::unique_ptr<Uring>(new Uring(std::move(ring)));
}

/// Answers that have come. Returns how many.
std::uint32_t Uring::reap(std::span<const ReadRequest> requests,
                          FunctionRef<void(const ReadRequest&)> unfinished) noexcept {
    std::uint32_t at = *ring_->answers_head;
    const std::uint32_t end = __atomic_load_n(ring_->answers_tail, __ATOMIC_ACQUIRE);  // pairs with the kernel
    const std::uint32_t count = end - at;
    for (; at != end; ++at) {
        const io_uring_cqe& answer = ring_->answers[at & ring_->answers_mask];
        const ReadRequest& request = requests[static_cast<std::size_t>(answer.user_data)];
        const bool whole = answer.res >= 0 && static_cast<std::size_t>(answer.res) == request.into.size();
        if (!whole) unfinished(request);
    }
    __atomic_store_n(ring_->answers_head, end, __ATOMIC_RELEASE);  // the kernel may use their places again
    return count;
}

bool Uring::read(int descriptor, std::span<const ReadRequest> requests,
                 FunctionRef<void(const ReadRequest&)> unfinished) noexcept {
    std::size_t next = 0;
    std::uint32_t queued = 0;     // in the queue, not yet begun
    std::uint32_t under_way = 0;  // begun by the kernel
    bool good = true;
    while (next < requests.size() || queued + under_way > 0) {
        while (next < requests.size() && queued + under_way < depth) {
            ring_->push(descriptor, requests[next], next);
            ++next;
            ++queued;
        }
        const std::uint32_t all = queued + under_way;
        const std::uint32_t wanted = next < requests.size() ? all / 2 : all;  // half: so that the disk never runs dry
        const int begun = enter(ring_->descriptor, queued, wanted);
        const int number = errno;
        if (begun >= 0) {
            queued -= static_cast<std::uint32_t>(begun);
            under_way += static_cast<std::uint32_t>(begun);
        } else if (number != EINTR && (under_way == 0 || (number != EAGAIN && number != EBUSY))) {
            good = false;
            break;
        }
        under_way -= reap(requests, unfinished);
    }
    if (good) return true;
    // What was not begun is read in another way. What was begun writes to the caller's memory, so it is waited for.
    const std::uint32_t back = ring_->take_back();
    under_way += queued - back;
    for (; under_way > 0; ::sched_yield()) under_way -= reap(requests, unfinished);
    for (std::size_t i = next - back; i < requests.size(); ++i) unfinished(requests[i]);
    return false;
}

}  // namespace sextant::inline v1::detail

#else

#include <cerrno>

namespace sextant::inline v1::detail {

struct Uring::Ring {};

Uring::Uring(std::unique_ptr<Ring> ring) noexcept : ring_(std::move(ring)) {}
Uring::~Uring() = default;

bool Uring::is_own() const noexcept { return false; }

std::unique_ptr<Uring> Uring::open(Refusal& refusal) {
    refusal = {.number = ENOSYS, .lasting = true};
    return nullptr;
}

std::uint32_t Uring::reap(std::span<const ReadRequest>, FunctionRef<void(const ReadRequest&)>) noexcept { return 0; }

bool Uring::read(int, std::span<const ReadRequest>, FunctionRef<void(const ReadRequest&)>) noexcept { return false; }

}  // namespace sextant::inline v1::detail

#endif
