/// sextant: everything a program needs to store points and search them.
///   #include <sextant/sextant.hpp>
///   namespace sx = sextant;
/// Each header it includes can also be included alone.
/// Threads: says each header for what it declares.
#pragma once

#include "sextant/collection/collection.hpp"
#include "sextant/core/clock.hpp"
#include "sextant/core/event_sink.hpp"
#include "sextant/core/executor.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/point_id.hpp"
#include "sextant/core/result.hpp"
#include "sextant/metric/metrics.hpp"
#include "sextant/payload/filter.hpp"
#include "sextant/quantizer/no_quantizer.hpp"
#include "sextant/quantizer/product_quantizer.hpp"
#include "sextant/quantizer/rabitq_quantizer.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/storage/mapped_storage.hpp"
#include "sextant/storage/memory_storage.hpp"
#include "sextant/version.hpp"
