#include "runtime/control_group.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace starling::runtime {
namespace {

namespace fs = std::filesystem;

class ControlGroup : public ::testing::Test {
 protected:
  ControlGroup() { fs::create_directories(tree_ / "system.slice" / "starling.service"); }
  ~ControlGroup() override { fs::remove_all(folder_); }

  static void write(const fs::path& file, const char* text) { std::ofstream(file) << text << '\n'; }
  void be_in(const char* lines) { write(own_, lines); }
  std::uint64_t memory() const { return control_group_memory(tree_, own_); }

  fs::path folder_ = fs::path(::testing::TempDir()) /
                     ("control_group_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
  fs::path tree_ = folder_ / "tree", own_ = folder_ / "own";
};

TEST_F(ControlGroup, a_container_sees_its_own_at_the_root) {
  write(tree_ / "memory.max", "1000");
  be_in("0::/");
  EXPECT_EQ(memory(), 1000u);
}

TEST_F(ControlGroup, a_service_has_the_least_of_its_own_and_those_above) {
  write(tree_ / "system.slice" / "memory.max", "max");
  write(tree_ / "system.slice" / "starling.service" / "memory.max", "2000");
  be_in("12:cpu:/elsewhere\n0::/system.slice/starling.service");
  EXPECT_EQ(memory(), 2000u);
  write(tree_ / "system.slice" / "memory.max", "1500");
  EXPECT_EQ(memory(), 1500u);
}

TEST_F(ControlGroup, without_a_limit_memory_is_the_machines) {
  EXPECT_EQ(memory(), UINT64_MAX) << "no file tells the group";
  be_in("12:memory:/system.slice");
  EXPECT_EQ(memory(), UINT64_MAX) << "version 1";
  write(tree_ / "system.slice" / "memory.max", "max");
  be_in("0::/system.slice");
  EXPECT_EQ(memory(), UINT64_MAX);
  be_in("0::/../../outside");
  EXPECT_EQ(memory(), UINT64_MAX);
}

}  // namespace
}  // namespace starling::runtime
