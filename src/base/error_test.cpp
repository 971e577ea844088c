#include "starling/base/error.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace starling {
namespace {

Error refused() { return Error(ErrorCode::ConnectionRefused, Op::Connect, Origin::Remote, "tcp 1.2.3.4:5"); }

TEST(Error, says_what_was_tried_on_what_why_it_failed_and_what_to_do) {
  EXPECT_EQ(refused().message(),
            "connect: tcp 1.2.3.4:5 — nobody listens at that address (ConnectionRefused, remote); "
            "check the address and that the peer runs");
}

TEST(Error, keeps_code_and_origin_on_its_way_up_and_names_each_stage) {
  const Error error = refused().while_doing(Op::Dial, "peer X");
  EXPECT_EQ(error, ErrorCode::ConnectionRefused);
  EXPECT_EQ(error.op(), Op::Dial);
  EXPECT_EQ(error.origin(), Origin::Remote);
  EXPECT_EQ(error.detail(), "peer X");
  ASSERT_NE(error.cause(), nullptr);
  EXPECT_EQ(error.cause()->op(), Op::Connect);
  EXPECT_EQ(error.cause()->cause(), nullptr);
  EXPECT_TRUE(error.message().starts_with("dial: peer X: connect: tcp 1.2.3.4:5 — ")) << error.message();
}

TEST(Error, takes_a_cause_of_another_kind) {
  const Error error = Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote, "noise")
                          .caused_by(Error(ErrorCode::DecryptFailed, Op::Decrypt, Origin::Remote));
  EXPECT_EQ(error.detail(), "noise");
  ASSERT_NE(error.cause(), nullptr);
  EXPECT_EQ(*error.cause(), ErrorCode::DecryptFailed);
}

TEST(Error, copies_are_independent_of_the_original) {
  auto original = std::make_unique<Error>(refused());
  const Error copy = *original;
  original.reset();
  EXPECT_EQ(copy.detail(), "tcp 1.2.3.4:5");
}

TEST(Error, without_detail_has_an_empty_one) {
  const Error error(ErrorCode::WouldBlock, Op::Read, Origin::Local);
  EXPECT_EQ(error.detail(), "");
  EXPECT_EQ(error.cause(), nullptr);
}

TEST(ErrorTable, every_code_has_a_name_a_number_a_meaning_and_a_remedy_of_its_own) {
  std::set<int> numbers;
  std::set<std::string> names;
#define STARLING_ERROR(domain, name, number, meaning, remedy) \
  EXPECT_TRUE(numbers.insert(number).second) << #name;        \
  EXPECT_TRUE(names.insert(#name).second) << #name;           \
  EXPECT_EQ(to_string(ErrorCode::name), #name);               \
  EXPECT_EQ(domain_of(ErrorCode::name), #domain);             \
  EXPECT_FALSE(meaning_of(ErrorCode::name).empty()) << #name; \
  EXPECT_FALSE(remedy_of(ErrorCode::name).empty()) << #name;
#include "starling/base/error_codes.def"
#undef STARLING_ERROR
  EXPECT_GT(numbers.size(), 40u);
}

TEST(ErrorTable, every_op_and_origin_has_a_name) {
  for (int op = 1; op <= int(Op::Run); ++op) EXPECT_FALSE(to_string(Op(op)).empty()) << op;
  for (int origin = 0; origin <= int(Origin::Bug); ++origin) EXPECT_FALSE(to_string(Origin(origin)).empty()) << origin;
}

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local, "odd");
  return number / 2;
}

Result<int> quarter(int number) {
  STARLING_TRY(const int once, half(number));
  STARLING_TRY(const int twice, half(once));
  return twice;
}

Status check_even(int number) {
  STARLING_CHECK(half(number));
  return {};
}

TEST(Result, the_macros_pass_values_on_and_errors_up) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_EQ(quarter(6).error().detail(), "odd");
  EXPECT_TRUE(check_even(2));
  EXPECT_EQ(check_even(3).error(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace starling
