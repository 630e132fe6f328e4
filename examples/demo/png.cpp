#include "png.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace demo {
namespace {

void append_big_endian(std::string& out, std::uint32_t value) {
    for (unsigned shift = 32; shift > 0; shift -= 8) out.push_back(static_cast<char>((value >> (shift - 8)) & 0xFFU));
}

/// Length, type, data and the CRC of type and data (PNG specification, section 5.3).
void append_chunk(std::string& png, std::string_view type, std::string_view data) {
    append_big_endian(png, static_cast<std::uint32_t>(data.size()));
    const std::size_t begin = png.size();
    png += type;
    png += data;
    const auto* bytes = reinterpret_cast<const Bytef*>(png.data() + begin);
    append_big_endian(png, static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(png.size() - begin))));
}

std::string deflated(const std::string& raw) {
    uLongf size = compressBound(static_cast<uLong>(raw.size()));
    std::string out(size, '\0');
    // Cannot fail: the buffer has the size that zlib itself asked for.
    compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
              static_cast<uLong>(raw.size()), Z_BEST_COMPRESSION);
    out.resize(size);
    return out;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = (group << 8U) | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            out.push_back(i + j <= bytes.size() ? digits[(group >> (18U - 6U * j)) & 63U] : '=');
        }
    }
    return out;
}

}  // namespace

std::string png_data_uri(const float* pixels, std::size_t width, std::size_t height) {
    std::string header;
    append_big_endian(header, static_cast<std::uint32_t>(width));
    append_big_endian(header, static_cast<std::uint32_t>(height));
    header += std::string_view("\x08\x00\x00\x00\x00", 5);  // 8 bits, grey, deflate, filter method 0, not interlaced

    std::string rows;
    for (std::size_t y = 0; y < height; ++y) {
        rows.push_back('\0');  // this row is not filtered
        for (std::size_t x = 0; x < width; ++x) {
            const float value = std::clamp(pixels[y * width + x], 0.0F, 255.0F);
            rows.push_back(static_cast<char>(static_cast<std::uint8_t>(value)));
        }
    }
    std::string png = "\x89PNG\r\n\x1a\n";
    append_chunk(png, "IHDR", header);
    append_chunk(png, "IDAT", deflated(rows));
    append_chunk(png, "IEND", {});
    return "data:image/png;base64," + base64(png);
}

}  // namespace demo
