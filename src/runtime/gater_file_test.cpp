#include "starling/runtime/gater_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace starling::runtime {
namespace {

class GaterFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "starling-gater-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::vector<swarm::GateRule> rules(std::string_view text) { return *swarm::parse_rules(text); }
  std::filesystem::path folder_;
  std::filesystem::path path() const { return folder_ / kGaterFileName; }
};

TEST_F(GaterFileTest, keeps_rules_for_the_owner_only) {
  EXPECT_TRUE(load_gater_file(path())->empty()) << "no file, no rules";
  ASSERT_TRUE(save_gater_file(path(), rules("deny ip 192.0.2.0/24")));
  ASSERT_TRUE(save_gater_file(path(), rules("deny ip 192.0.2.0/24\nallow ip 192.0.2.1/32")));
  EXPECT_EQ(swarm::to_text(*load_gater_file(path())), "deny ip 192.0.2.0/24\nallow ip 192.0.2.1/32\n");
  struct stat info{};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "nothing is left beside it";
}

TEST_F(GaterFileTest, tells_each_change_and_each_mistake_once) {
  GaterFile file(path());
  EXPECT_TRUE(file.changed()->has_value()) << "the first look";
  EXPECT_FALSE(file.changed()->has_value());
  ASSERT_TRUE(save_gater_file(path(), rules("deny ip 192.0.2.0/24")));
  EXPECT_EQ((*file.changed())->size(), 1u);
  EXPECT_FALSE(file.changed()->has_value());
  std::ofstream(path(), std::ios::app) << "denny ip 1.2.3.4\n";
  const auto broken = file.changed();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error(), ErrorCode::FileMalformed);
  EXPECT_NE(broken.error().message().find("line 3"), std::string::npos);
  EXPECT_FALSE(file.changed()->has_value());
}

}  // namespace
}  // namespace starling::runtime
