// What the kernel counted of a connection.
#pragma once

#include <cstdint>

namespace ftpsgate::test {

/// Segments with data that came in so far.
std::uint32_t data_segments_received(int socket);

}  // namespace ftpsgate::test
