#include "proxy/tls/stream.hpp"

#include <catch2/catch.hpp>
