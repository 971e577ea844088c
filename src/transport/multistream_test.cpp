#include "starling/transport/multistream.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace starling::transport {
namespace {

using Names = std::vector<std::string>;

std::string message(std::string_view text) {
  const std::size_t size = text.size() + 1;
  std::string bytes;
  if (size >= 128) bytes += char(0x80 | (size & 0x7f));
  bytes += char(size >= 128 ? size >> 7 : size);
  return bytes + std::string(text) + "\n";
}
std::string header() { return message(kMultistreamId); }

MultistreamListener::Supports only(Names names) {
  return [names](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
}

std::string drain(ByteQueue& queue) {
  std::string text(as_text(queue.view()));
  queue.clear();
  return text;
}

/// Gives `text` to a machine; what it answered, or nothing if it failed.
template <typename Machine>
Result<std::string> tell(Machine& machine, std::string_view text) {
  ByteQueue in, out;
  in.append(as_bytes(text));
  STARLING_CHECK(machine.receive(in, out));
  return drain(out);
}

template <typename Machine>
ErrorCode refusal(Machine& machine, std::string_view text) {
  const auto told = tell(machine, text);
  EXPECT_FALSE(told) << "expected an error";
  if (told) return ErrorCode::Internal;
  EXPECT_EQ(told.error().op(), Op::Negotiate);
  EXPECT_EQ(told.error().origin(), Origin::Remote);
  return told.error().code();
}

/// Lets the two talk until neither has more to say, `piece` bytes at a time.
Status talk(MultistreamDialer& dialer, MultistreamListener& listener, std::size_t piece) {
  ByteQueue to_listener, to_dialer, listener_in, dialer_in;
  const auto move = [piece](ByteQueue& from, ByteQueue& to) {
    const std::size_t count = std::min(piece, from.size());
    to.append(from.view().first(count));
    from.consume(count);
  };
  dialer.start(to_listener);
  while (!to_listener.empty() || !to_dialer.empty()) {
    if (!to_listener.empty()) move(to_listener, listener_in);
    STARLING_CHECK(listener.receive(listener_in, to_dialer));
    if (!to_dialer.empty()) move(to_dialer, dialer_in);
    STARLING_CHECK(dialer.receive(dialer_in, to_listener));
  }
  return {};
}

TEST(Multistream, says_the_bytes_of_the_spec) {
  MultistreamDialer dialer({"/foo/1"});
  ByteQueue out;
  dialer.start(out);
  EXPECT_EQ(to_hex(out.view()),
            "132f6d756c746973747265616d2f312e302e300a"
            "072f666f6f2f310a");
  MultistreamListener listener(only({"/foo/1"}));
  EXPECT_EQ(*tell(listener, drain(out)), "\x13/multistream/1.0.0\n\x07/foo/1\n");
  EXPECT_TRUE(listener.done());
  MultistreamListener refuses(only({}));
  EXPECT_EQ(*tell(refuses, "\x13/multistream/1.0.0\n\x07/foo/1\n"), "\x13/multistream/1.0.0\n\x03na\n");
}

TEST(Multistream, agrees_in_pieces_of_every_size) {
  const std::string longest = "/" + std::string(kMaxMultistreamMessage - 2, 'x');
  for (std::size_t piece = 1; piece <= 64; ++piece) {
    MultistreamDialer dialer({"/a", longest, "/wanted/1.0.0", "/b"});
    MultistreamListener listener(only({"/b", "/wanted/1.0.0"}));
    ASSERT_TRUE(talk(dialer, listener, piece)) << piece;
    ASSERT_TRUE(dialer.done() && listener.done()) << piece;
    EXPECT_EQ(dialer.selected(), "/wanted/1.0.0");
    EXPECT_EQ(listener.selected(), "/wanted/1.0.0");
  }
}

TEST(Multistream, the_dialers_order_decides) {
  MultistreamDialer dialer({"/b", "/a"});
  MultistreamListener listener(only({"/a", "/b"}));
  ASSERT_TRUE(talk(dialer, listener, 100));
  EXPECT_EQ(dialer.selected(), "/b");
}

TEST(Multistream, a_dialer_whose_proposals_all_fail_names_them) {
  MultistreamDialer dialer({"/a", "/b"});
  MultistreamListener listener(only({"/c"}));
  const Status status = talk(dialer, listener, 100);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error(), ErrorCode::NoCommonProtocol);
  EXPECT_NE(status.error().detail().find("/a, /b"), std::string::npos) << status.error().detail();
  EXPECT_FALSE(dialer.done() || listener.done());
}

TEST(Multistream, what_follows_the_negotiation_is_left_alone) {
  MultistreamListener listener(only({"/a"}));
  ByteQueue in, out;
  in.append(as_bytes(header() + message("/a") + "payload\n"));
  ASSERT_TRUE(listener.receive(in, out));
  EXPECT_EQ(drain(in), "payload\n");
  MultistreamDialer dialer({"/a"});
  in.append(as_bytes(header() + message("/a") + "\x03na\n"));
  ASSERT_TRUE(dialer.receive(in, out));
  EXPECT_TRUE(dialer.done());
  EXPECT_EQ(drain(in), "\x03na\n") << "looks like an answer, but is payload";
}

TEST(Multistream, a_machine_that_is_done_takes_nothing_more) {
  MultistreamListener listener(only({"/a"}));
  ASSERT_TRUE(tell(listener, header() + message("/a")));
  ByteQueue out;
  EXPECT_EQ(*listener.receive(as_bytes("anything"), out), 0u);
  EXPECT_TRUE(out.empty());
}

TEST(Multistream, a_lazy_dialers_payload_survives_behind_its_proposal) {
  MultistreamDialer dialer({"/lazy"});
  ByteQueue wire, answers;
  dialer.start(wire);
  wire.append(as_bytes("first payload"));
  MultistreamListener listener(only({"/lazy"}));
  ASSERT_TRUE(listener.receive(wire, answers));
  EXPECT_TRUE(listener.done());
  EXPECT_EQ(drain(wire), "first payload");
  answers.append(as_bytes("reply"));
  ASSERT_TRUE(dialer.receive(answers, wire));
  EXPECT_TRUE(dialer.done());
  EXPECT_EQ(drain(answers), "reply");
}

TEST(Multistream, ls_lists_what_there_is_and_negotiation_goes_on) {
  MultistreamListener listener(only({"/a", "/bb"}), {"/a", "/bb"});
  const auto listed = tell(listener, header() + message("ls"));
  ASSERT_TRUE(listed);
  EXPECT_EQ(*listed, header() + "\x0a" + message("/a") + message("/bb") + "\n");
  EXPECT_FALSE(listener.done());
  EXPECT_EQ(*tell(listener, message("/bb")), message("/bb"));
  EXPECT_EQ(listener.selected(), "/bb");
}

TEST(Multistream, garbage_is_a_violation_on_either_side) {
  const std::string unterminated =
      "\x03"
      "abc";
  for (const std::string& garbage :
       {std::string("\x00", 1), unterminated, std::string(16, '\xff'), message("/multistream/2.0.0"),
        std::string("GET / HTTP/1.1\r\n\r\n") + std::string(90, ' ')}) {
    MultistreamDialer dialer({"/a"});
    EXPECT_EQ(refusal(dialer, garbage), ErrorCode::ProtocolViolation) << to_hex(as_bytes(garbage));
    MultistreamListener listener(only({"/a"}));
    EXPECT_EQ(refusal(listener, garbage), ErrorCode::ProtocolViolation) << to_hex(as_bytes(garbage));
  }
}

TEST(Multistream, an_answer_that_was_not_proposed_is_a_violation) {
  MultistreamDialer dialer({"/a", "/b"});
  EXPECT_EQ(refusal(dialer, header() + message("/b")), ErrorCode::ProtocolViolation);
}

TEST(Multistream, errors_show_a_strangers_text_short_and_printable) {
  MultistreamDialer dialer({"/a"});
  const auto told = tell(dialer, header() + message("\x1b[31m" + std::string(200, 'z')));
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().detail().find('\x1b'), std::string::npos);
  EXPECT_LT(told.error().detail().size(), 200u);
}

TEST(Multistream, a_message_above_the_limit_is_refused_by_its_length_alone) {
  const std::string fits = message("/" + std::string(kMaxMultistreamMessage - 2, 'x'));
  MultistreamListener taken(only({}));
  EXPECT_EQ(*tell(taken, header() + fits), header() + message("na"));
  const std::string length_1025 = "\x81\x08";
  MultistreamListener listener(only({}));
  EXPECT_EQ(refusal(listener, header() + length_1025), ErrorCode::MessageTooLarge);
  MultistreamDialer dialer({"/a"});
  EXPECT_EQ(refusal(dialer, length_1025), ErrorCode::MessageTooLarge);
}

TEST(Multistream, a_listener_gives_up_after_too_many_proposals) {
  for (const char* what : {"/nope", "ls"}) {
    MultistreamListener listener(only({}));
    ASSERT_TRUE(tell(listener, header()));
    for (std::size_t i = 1; i < kMaxMultistreamProposals; ++i) ASSERT_TRUE(tell(listener, message(what))) << i;
    EXPECT_EQ(refusal(listener, message(what)), ErrorCode::ProtocolViolation);
  }
}

}  // namespace
}  // namespace starling::transport
