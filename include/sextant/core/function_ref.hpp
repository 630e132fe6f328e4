/// FunctionRef: a callable passed down a call, without owning or allocating.
/// Threads: as the callable. Lifetime: must not outlive the callable it was made from.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace sextant::inline v1 {

template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
public:
    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && !std::is_function_v<std::remove_reference_t<F>> &&
             std::is_invocable_r_v<R, F&, Args...>) FunctionRef(F&& callable)
    noexcept  // NOLINT: implicit on purpose
        : target_{.object = const_cast<void*>(static_cast<const void*>(std::addressof(callable)))},
          call_([](Target target, Args... args) -> R {
              auto& object = *static_cast<std::add_pointer_t<std::remove_reference_t<F>>>(target.object);
              if constexpr (std::is_void_v<R>) {
                  object(std::forward<Args>(args)...);
              } else {
                  return object(std::forward<Args>(args)...);
              }
          }) {}

    FunctionRef(R (*function)(Args...)) noexcept  // NOLINT: implicit on purpose
        : target_{.function = reinterpret_cast<void (*)()>(function)}, call_([](Target target, Args... args) -> R {
              return reinterpret_cast<R (*)(Args...)>(target.function)(std::forward<Args>(args)...);
          }) {}

    R operator()(Args... args) const { return call_(target_, std::forward<Args>(args)...); }

private:
    union Target {  // a pointer to a function need not fit a void*
        void* object;
        void (*function)();
    };
    Target target_;
    R (*call_)(Target, Args...);
};

}  // namespace sextant::inline v1
