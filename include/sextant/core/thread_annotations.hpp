/// thread_annotations: which lock guards what, in words that clang checks (-Wthread-safety) and other compilers skip.
/// Threads: nothing: attributes.
#pragma once

#if defined(__clang__)
#define SEXTANT_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define SEXTANT_THREAD_ATTRIBUTE(x)
#endif

#define SEXTANT_CAPABILITY(name) SEXTANT_THREAD_ATTRIBUTE(capability(name))
#define SEXTANT_SCOPED_CAPABILITY SEXTANT_THREAD_ATTRIBUTE(scoped_lockable)
#define SEXTANT_GUARDED_BY(mutex) SEXTANT_THREAD_ATTRIBUTE(guarded_by(mutex))
#define SEXTANT_PT_GUARDED_BY(mutex) SEXTANT_THREAD_ATTRIBUTE(pt_guarded_by(mutex))
#define SEXTANT_REQUIRES(...) SEXTANT_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define SEXTANT_EXCLUDES(...) SEXTANT_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define SEXTANT_ACQUIRE(...) SEXTANT_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define SEXTANT_RELEASE(...) SEXTANT_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define SEXTANT_TRY_ACQUIRE(...) SEXTANT_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define SEXTANT_ASSERT_HELD(mutex) SEXTANT_THREAD_ATTRIBUTE(assert_capability(mutex))
/// Say in a comment beside it why the analysis cannot follow.
#define SEXTANT_NO_THREAD_SAFETY_ANALYSIS SEXTANT_THREAD_ATTRIBUTE(no_thread_safety_analysis)
