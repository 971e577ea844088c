// The version of this tree; CMake reads it from here.
#pragma once

namespace starling {
inline constexpr char kVersion[] = "0.1.0";
}
