// wire: a link emulator in user space between two network interfaces, for kernels without netem.
//
//   wire IF_A IF_B DELAY_US LOSS_PPM RATE_BPS QUEUE_BYTES SEED
//
// Every frame that comes in on one interface leaves on the other after DELAY_US microseconds; LOSS_PPM of a million are
// dropped, drawn from a generator with that seed, so a run can be repeated; RATE_BPS (0: no limit) shapes, with a queue
// of QUEUE_BYTES in front. Both directions alike. Segmentation offloads must be off: a frame is one packet.
// Ends with SIGTERM and tells on stderr what it did with how many frames.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { kRing = 32768, kFrame = 2048, kBatch = 64 };
static const uint64_t kSecond = 1000000000;

struct frame {
  uint64_t due;  // nanoseconds of the monotonic clock
  uint32_t size;
  uint8_t bytes[kFrame];
};

struct link_options {
  uint64_t delay_ns, loss_ppm, rate_bps, queue_bytes;
};

// One direction: frames in flight, oldest first.
struct direction {
  struct frame* ring;
  uint32_t head, tail;
  uint64_t line_free_at;  // when the shaped line has sent what was put on it
  uint64_t random;
  uint64_t in, out, lost, overrun, oversize;
};

static volatile sig_atomic_t stopping;
static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * kSecond + (uint64_t)t.tv_nsec;
}

static uint64_t next_random(uint64_t* state) {  // xorshift64
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

static int open_interface(const char* name) {
  const int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  const int one = 1, buffer = 64 << 20;
  struct sockaddr_ll at = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
  struct packet_mreq promiscuous = {.mr_ifindex = at.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  if (fd < 0 || bind(fd, (void*)&at, sizeof at) < 0) {
    perror(name);
    exit(1);
  }
  setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous);
  return fd;
}

// Decides what becomes of one frame that just came in.
static void take(struct direction* d, const struct link_options* o, const uint8_t* bytes, uint32_t size, uint64_t at) {
  ++d->in;
  if (size > kFrame) {
    if (d->oversize++ == 0) fprintf(stderr, "wire: a frame of %u bytes: switch tso, gso and gro off\n", size);
    return;
  }
  if (o->loss_ppm != 0 && next_random(&d->random) % 1000000 < o->loss_ppm) {
    ++d->lost;
    return;
  }
  const uint64_t waiting = d->line_free_at > at ? d->line_free_at - at : 0;
  if (d->tail - d->head >= kRing ||
      (o->rate_bps != 0 && waiting * (o->rate_bps / 8) / kSecond > o->queue_bytes && o->queue_bytes != 0)) {
    ++d->overrun;
    return;
  }
  uint64_t sent = at;
  if (o->rate_bps != 0) sent = d->line_free_at = at + waiting + size * 8 * kSecond / o->rate_bps;
  struct frame* frame = &d->ring[d->tail++ % kRing];
  frame->due = sent + o->delay_ns;
  frame->size = size;
  memcpy(frame->bytes, bytes, size);
}

static void receive(struct direction* d, const struct link_options* o, int fd) {
  static uint8_t bytes[kBatch][65600];
  struct mmsghdr messages[kBatch] = {0};
  struct iovec parts[kBatch];
  for (int i = 0; i < kBatch; ++i) {
    parts[i] = (struct iovec){bytes[i], sizeof bytes[i]};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int count = recvmmsg(fd, messages, kBatch, MSG_DONTWAIT, NULL);
  const uint64_t at = now();
  for (int i = 0; i < count; ++i) take(d, o, bytes[i], messages[i].msg_len, at);
}

// Sends what is due; when to come back, or UINT64_MAX.
static uint64_t deliver(struct direction* d, int fd) {
  for (;;) {
    struct mmsghdr messages[kBatch] = {0};
    struct iovec parts[kBatch];
    const uint64_t at = now();
    int count = 0;
    for (uint32_t i = d->head; i != d->tail && count < kBatch && d->ring[i % kRing].due <= at; ++i, ++count) {
      struct frame* frame = &d->ring[i % kRing];
      parts[count] = (struct iovec){frame->bytes, frame->size};
      messages[count].msg_hdr.msg_iov = &parts[count];
      messages[count].msg_hdr.msg_iovlen = 1;
    }
    if (count == 0) return d->head == d->tail ? UINT64_MAX : d->ring[d->head % kRing].due;
    int sent = sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT);
    if (sent <= 0 && (errno == EAGAIN || errno == ENOBUFS)) return at + 50000;
    if (sent <= 0) sent = 1;  // the interface is down: that frame is gone
    d->head += (uint32_t)sent;
    d->out += (uint64_t)sent;
  }
}

static void wait_until(int timer, uint64_t due, const int* interfaces, short* ready) {
  struct itimerspec at = {0};
  if (due != UINT64_MAX) at.it_value = (struct timespec){(time_t)(due / kSecond), (long)(due % kSecond) | 1};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
  struct pollfd polled[3] = {{interfaces[0], POLLIN, 0}, {interfaces[1], POLLIN, 0}, {timer, POLLIN, 0}};
  poll(polled, 3, -1);
  ready[0] = polled[0].revents, ready[1] = polled[1].revents;
}

int main(int argc, char** argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: wire IF_A IF_B DELAY_US LOSS_PPM RATE_BPS QUEUE_BYTES SEED\n");
    return 2;
  }
  const struct link_options options = {strtoull(argv[3], 0, 10) * 1000, strtoull(argv[4], 0, 10),
                                       strtoull(argv[5], 0, 10), strtoull(argv[6], 0, 10)};
  const int interfaces[2] = {open_interface(argv[1]), open_interface(argv[2])};
  struct direction directions[2] = {0};
  for (int i = 0; i < 2; ++i) {
    directions[i].ring = malloc(sizeof(struct frame) * kRing);
    directions[i].random = strtoull(argv[7], 0, 10) * 2654435761u + 88172645463325252u + (uint64_t)i;
    if (directions[i].ring == NULL) return 1;
  }
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  prctl(PR_SET_TIMERSLACK, 1);
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  while (!stopping) {
    uint64_t due = UINT64_MAX;
    for (int i = 0; i < 2; ++i) {
      const uint64_t next = deliver(&directions[i], interfaces[1 - i]);
      if (next < due) due = next;
    }
    short ready[2];
    wait_until(timer, due, interfaces, ready);
    for (int i = 0; i < 2; ++i)
      if (ready[i] & (POLLIN | POLLERR)) receive(&directions[i], &options, interfaces[i]);
  }
  for (int i = 0; i < 2; ++i) {
    const struct direction* d = &directions[i];
    fprintf(stderr, "wire: %s: in %lu out %lu lost %lu overrun %lu oversize %lu\n", argv[1 + i], d->in, d->out, d->lost,
            d->overrun, d->oversize);
  }
  return 0;
}
