#include "runtime/stream_wiring.hpp"

#include <gtest/gtest.h>

#include "runtime/limits.hpp"

namespace starling::runtime {
namespace {

io::Congestion congestion_of(const Options& options) {
  const resource::Budget machine{.memory = std::uint64_t{1} << 30, .descriptors = 1024};
  return upgrader_options(options, limit_table(options, machine)).congestion;
}

TEST(StreamWiring, long_paths_take_bbr_by_default) {
  Options options;
  EXPECT_EQ(congestion_of(options).algorithm, "bbr");
  EXPECT_EQ(congestion_of(options).long_path, options.transport.long_path);
  EXPECT_TRUE(congestion_of(options).by_path());
}

TEST(StreamWiring, the_systems_congestion_control_is_left_alone_on_demand) {
  Options options;
  options.transport.congestion = "system";
  EXPECT_EQ(congestion_of(options).algorithm, "");
  EXPECT_FALSE(congestion_of(options).by_path());
}

TEST(StreamWiring, a_named_congestion_control_is_for_every_connection) {
  Options options;
  options.transport.congestion = "reno";
  EXPECT_EQ(congestion_of(options).algorithm, "reno");
  EXPECT_FALSE(congestion_of(options).by_path());
}

TEST(StreamWiring, a_congestion_control_without_a_name_or_with_a_longer_one_than_the_system_knows_is_a_mistake) {
  Options options;
  for (const auto& [name, mistakes] :
       {std::pair("auto", 0u), std::pair("system", 0u), std::pair("bbr", 0u), std::pair("fifteen_letters", 0u),
        std::pair("sixteen__letters", 1u), std::pair("", 1u)}) {
    options.transport.congestion = name;
    EXPECT_EQ(options.validate().size(), mistakes) << name;
  }
}

}  // namespace
}  // namespace starling::runtime
