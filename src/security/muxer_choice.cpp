#include "security/muxer_choice.hpp"

#include <algorithm>

namespace starling::security {

std::string choose_muxer(const std::vector<std::string>& initiator, const std::vector<std::string>& responder) {
  if (initiator.size() > kMaxRemoteMuxers || responder.size() > kMaxRemoteMuxers) return {};
  for (const std::string& muxer : initiator)
    if (std::ranges::find(responder, muxer) != responder.end()) return muxer;
  return {};
}

}  // namespace starling::security
