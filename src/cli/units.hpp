// Sizes and durations as the commands read and show them.
#pragma once

#include "starling/base/units.hpp"
