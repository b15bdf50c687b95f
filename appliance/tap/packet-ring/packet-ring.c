// A Node addon for AF_PACKET sockets with a TPACKET_V3 ring and a classic BPF filter. Blocks are read in appliance/tap/block-walker.ts.
// Kernel: Documentation/networking/packet_mmap.rst, net/packet/af_packet.c, include/uapi/linux/if_packet.h.
//
// The ring is mapped after a scratch area; together they are one ArrayBuffer:
//
//   | scratch | 16 bytes: clocks |  ...to a page  | block 0 | block 1 | ...
//
// Each wake-up is one call into JavaScript, which reads the blocks from memory; there is no call and no allocation per frame.

#include <errno.h>
#include <math.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <node_api.h>
#include <uv.h>

// pcap.h declares struct bpf_insn, which has the layout of linux/filter.h's struct sock_filter.
#include <pcap/pcap.h>

// MAX_INSTRUCTIONS: BPF_MAXINSNS of linux/bpf_common.h, which pcap's own header hides. PREFIX: our instructions before a compiled filter.
enum { MAX_INSTRUCTIONS = 4096, PREFIX = 3, SNAP_LENGTH = 262144 };

/** An error for JavaScript: its code and its message. */
struct fault {
  const char *code;
  char text[512];
};

struct device {
  int fd;
  /** The scratch area followed by the ring; NULL for a device that only sends. */
  unsigned char *memory;
  size_t bytes;
  /** Offset of the clocks in `memory`, in bytes; they are written at each wake-up. */
  size_t clocks;
  /** Frames for which the ring had no room. Reading PACKET_STATISTICS resets the kernel's count, so it is summed here. */
  double drops;
  uv_poll_t poll;
  bool polls;
  /** Reference count: the JavaScript object and the poll handle each hold one. */
  int holders;
  napi_env env;
  napi_ref memory_ref;
  napi_ref listener;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
};

static const napi_type_tag DEVICE_TAG = {0x6c67647061636b65, 0x742d72696e672d31};

static bool fail(struct fault *fault, const char *code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(fault->text, sizeof fault->text, format, arguments);
  va_end(arguments);
  fault->code = code;
  return false;
}

/** Makes a fault of errno. */
static bool fail_errno(struct fault *fault, const char *name, const char *what) {
  const int error = errno;
  if (error == ENETDOWN) return fail(fault, "NOT_UP", "%s is not up", name);
  if (error == ENODEV || error == ENXIO) return fail(fault, "NO_DEVICE", "%s: no such interface", name);
  if (error == EPERM || error == EACCES)
    return fail(fault, "NOT_PERMITTED", "%s: %s requires CAP_NET_RAW", name, what);
  return fail(fault, "SYSTEM", "%s: %s: %s", name, what, strerror(error));
}

/** Finds the interface's index; fails unless it is up and its frames begin with an Ethernet header. */
static bool find_interface(int fd, const char *name, int *index, struct fault *fault) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (strlen(name) == 0 || strlen(name) >= sizeof request.ifr_name)
    return fail(fault, "NO_DEVICE", "%s: no such interface", name);
  strcpy(request.ifr_name, name);
  if (ioctl(fd, SIOCGIFINDEX, &request) != 0) return fail_errno(fault, name, "reading its index");
  *index = request.ifr_ifindex;
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) return fail_errno(fault, name, "reading its type");
  const unsigned kind = request.ifr_hwaddr.sa_family;
  if (kind != ARPHRD_ETHER && kind != ARPHRD_LOOPBACK)
    return fail(fault, "LINK_TYPE", "%s is not an Ethernet interface (ARPHRD type %u)", name, kind);
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) return fail_errno(fault, name, "reading its flags");
  if ((request.ifr_flags & IFF_UP) == 0) return fail(fault, "NOT_UP", "%s is not up", name);
  return true;
}

/**
 * Binds to the interface; with protocol 0 the socket only sends. On an interface that has gone down since it was checked, bind()
 * succeeds and SO_ERROR has the error (af_packet.c, packet_do_bind).
 */
static bool bind_to(int fd, const char *name, int index, unsigned protocol, struct fault *fault) {
  struct sockaddr_ll address;
  memset(&address, 0, sizeof address);
  address.sll_family = AF_PACKET;
  address.sll_ifindex = index;
  address.sll_protocol = htons((unsigned short)protocol);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return fail_errno(fault, name, "binding");
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0) {
    errno = error;
    return fail_errno(fault, name, "binding");
  }
  return true;
}

/** Makes the interface promiscuous until the socket is closed. A bridge does so too, but not in every mode. */
static bool listen_to_all(int fd, const char *name, int index, struct fault *fault) {
  struct packet_mreq request;
  memset(&request, 0, sizeof request);
  request.mr_ifindex = index;
  request.mr_type = PACKET_MR_PROMISC;
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request) == 0) return true;
  return fail_errno(fault, name, "making it promiscuous");
}

/**
 * Compiles a filter text with libpcap and attaches it after three instructions of our own, which accept every frame whose VLAN tag the
 * kernel has taken out of the bytes: a program compiled without an open device looks for tags in the bytes only. SO_ATTACH_FILTER
 * replaces the old program atomically: each frame is filtered by one of the two.
 */
static bool attach_compiled(int fd, const char *text, int optimised, struct fault *fault) {
  pcap_t *compiler = pcap_open_dead(DLT_EN10MB, SNAP_LENGTH);
  if (compiler == NULL) return fail(fault, "SYSTEM", "no memory for a filter");
  struct bpf_program compiled;
  if (pcap_compile(compiler, &compiled, text, optimised, PCAP_NETMASK_UNKNOWN) != 0) {
    fail(fault, "FILTER_SYNTAX", "the filter cannot be compiled: %s", pcap_geterr(compiler));
    pcap_close(compiler);
    return false;
  }
  pcap_close(compiler);
  const unsigned length = compiled.bf_len + PREFIX;
  if (length > MAX_INSTRUCTIONS) {
    pcap_freecode(&compiled);
    return fail(fault, "FILTER_TOO_LONG", "the filter has %u instructions, and the kernel takes %d", length,
                MAX_INSTRUCTIONS);
  }
  struct sock_filter *program = calloc(length, sizeof *program);
  if (program == NULL) {
    pcap_freecode(&compiled);
    return fail(fault, "SYSTEM", "no memory for a filter");
  }
  program[0] = (struct sock_filter){BPF_LD | BPF_B | BPF_ABS, 0, 0, (unsigned)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)};
  program[1] = (struct sock_filter){BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0};
  program[2] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, SNAP_LENGTH};
  for (unsigned at = 0; at < compiled.bf_len; at += 1) {
    const struct bpf_insn *from = &compiled.bf_insns[at];
    program[PREFIX + at] = (struct sock_filter){from->code, from->jt, from->jf, from->k};
  }
  pcap_freecode(&compiled);
  const struct sock_fprog given = {(unsigned short)length, program};
  const int outcome = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &given, sizeof given);
  const int error = errno;
  free(program);
  if (outcome == 0) return true;
  // sk_filter_charge: the programs of a socket may take up net.core.optmem_max in total.
  if (error == ENOMEM)
    return fail(fault, "FILTER_TOO_LONG", "the filter has %u instructions, more than net.core.optmem_max holds", length);
  if (error == EINVAL) return fail(fault, "FILTER_REFUSED", "the kernel refuses the filter of %u instructions", length);
  return fail(fault, "SYSTEM", "the kernel does not accept the filter: %s", strerror(error));
}

/**
 * For some texts the optimizer of libpcap 1.10 makes programs that read scratch memory which no instruction on that path has written. The
 * kernel refuses those (check_load_and_stores in net/core/filter.c); the program without optimization is correct.
 */
static bool attach_filter(int fd, const char *text, struct fault *fault) {
  if (attach_compiled(fd, text, 1, fault)) return true;
  return strcmp(fault->code, "FILTER_REFUSED") == 0 && attach_compiled(fd, text, 0, fault);
}

struct layout {
  unsigned scratch_bytes;
  unsigned block_bytes;
  unsigned blocks;
  unsigned retire_ms;
};

static double in_ms(const struct timespec *time) {
  return (double)time->tv_sec * 1e3 + (double)time->tv_nsec / 1e6;
}

/**
 * Samples both clocks in milliseconds, so that the walker can convert the kernel's time stamps (CLOCK_REALTIME) into monotonic time. If the
 * thread were suspended between the two readings, all time stamps would be off by that: the closest pair of several tries is used.
 */
static void sample_clocks(struct device *device) {
  double clocks[2] = {0, 0}, closest = HUGE_VAL;
  for (int tries = 0; tries < 8 && closest > 0.02; tries++) {
    struct timespec before, real, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_MONOTONIC, &after);
    const double apart = in_ms(&after) - in_ms(&before);
    if (apart >= closest) continue;
    closest = apart;
    clocks[0] = in_ms(&before) + apart / 2;
    clocks[1] = in_ms(&real);
  }
  memcpy(device->memory + device->clocks, clocks, sizeof clocks);
}

/** Creates the ring and maps it after the scratch area. */
static bool make_ring(struct device *device, const char *name, const struct layout *layout, struct fault *fault) {
  const int version = TPACKET_V3;
  if (setsockopt(device->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
    return fail_errno(fault, name, "setting TPACKET_V3");
  struct tpacket_req3 request;
  memset(&request, 0, sizeof request);
  request.tp_block_size = layout->block_bytes;
  request.tp_block_nr = layout->blocks;
  // In TPACKET_V3 frames have variable size; the kernel only checks that these numbers are consistent.
  request.tp_frame_size = 2048;
  request.tp_frame_nr = layout->block_bytes / 2048 * layout->blocks;
  request.tp_retire_blk_tov = layout->retire_ms;
  if (setsockopt(device->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
    return fail_errno(fault, name, "creating the ring");
  const size_t ring = (size_t)layout->block_bytes * layout->blocks;
  const size_t bytes = layout->scratch_bytes + ring;
  unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno(fault, name, "mapping the ring");
  device->memory = memory;
  device->bytes = bytes;
  device->clocks = layout->scratch_bytes - 2 * sizeof(double);
  if (mmap(memory + layout->scratch_bytes, ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device->fd, 0) == MAP_FAILED)
    return fail_errno(fault, name, "mapping the ring");
  sample_clocks(device);
  return true;
}

/**
 * Opens the socket with protocol 0, which receives nothing, and binds it to all protocols once ring and filter are set up: no frame
 * bypasses the filter, and none is lost from the moment of binding.
 */
static bool open_ring(struct device *device, const char *name, const char *filter, const struct layout *layout,
                      struct fault *fault) {
  device->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (device->fd < 0) return fail_errno(fault, name, "opening a packet socket");
  int index = 0;
  return find_interface(device->fd, name, &index, fault) && make_ring(device, name, layout, fault) &&
         attach_filter(device->fd, filter, fault) && listen_to_all(device->fd, name, index, fault) &&
         bind_to(device->fd, name, index, ETH_P_ALL, fault);
}

static bool open_sender(struct device *device, const char *name, struct fault *fault) {
  device->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (device->fd < 0) return fail_errno(fault, name, "opening a packet socket");
  int index = 0;
  return find_interface(device->fd, name, &index, fault) && bind_to(device->fd, name, index, 0, fault);
}

static void release(struct device *device) {
  device->holders -= 1;
  if (device->holders == 0) free(device);
}

static void close_device(struct device *device) {
  if (device->fd >= 0) close(device->fd);
  device->fd = -1;
  if (device->memory != NULL) munmap(device->memory, device->bytes);
  device->memory = NULL;
}

static void poll_closed(uv_handle_t *handle) {
  struct device *device = handle->data;
  close_device(device);
  if (device->cleanup != NULL) napi_remove_async_cleanup_hook(device->cleanup);
  release(device);
}

/** Cleanup hook: the thread that opened the device ends without having closed it. */
static void on_env_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  struct device *device = data;
  (void)hook;
  if (!device->polls) return;
  device->polls = false;
  uv_close((uv_handle_t *)&device->poll, poll_closed);
}

/** Calls the JavaScript listener: with 0 when there are blocks to read, with an errno when there will be none any more. */
static void on_readable(uv_poll_t *poll, int status, int events) {
  struct device *device = poll->data;
  (void)events;
  int reason = 0;
  if (status < 0) {
    // libuv stops watching a descriptor with an error, and reports every error as EBADF; SO_ERROR has the real one (ENETDOWN).
    socklen_t length = sizeof reason;
    if (getsockopt(device->fd, SOL_SOCKET, SO_ERROR, &reason, &length) != 0) reason = errno;
    if (reason == 0) {
      uv_poll_start(poll, UV_READABLE, on_readable);
      return;
    }
  }
  napi_env env = device->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  sample_clocks(device);
  napi_value listener, receiver, argument, error;
  napi_get_reference_value(env, device->listener, &listener);
  napi_get_global(env, &receiver);
  napi_create_int32(env, reason, &argument);
  if (napi_make_callback(env, device->context, receiver, listener, 1, &argument, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
  napi_close_handle_scope(env, scope);
}

static napi_value throw_fault(napi_env env, const struct fault *fault) {
  napi_throw_error(env, fault->code, fault->text);
  return NULL;
}

static napi_value wrong_use(napi_env env, const char *text) {
  napi_throw_type_error(env, "WRONG_USE", text);
  return NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct device *device = data;
  // A ring that was never closed is still held by its poll handle; a sender only by this object.
  if (!device->polls) close_device(device);
  release(device);
}

/** Does nothing: `close` detaches the buffer and then unmaps the pages. */
static void nothing(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  (void)hint;
}

/** The device of an object made by this module; NULL, with an exception, for any other object or a closed device. */
static struct device *device_of(napi_env env, napi_value object) {
  bool ours = false;
  struct device *device = NULL;
  if (napi_check_object_type_tag(env, object, &DEVICE_TAG, &ours) != napi_ok || !ours ||
      napi_unwrap(env, object, (void **)&device) != napi_ok) {
    wrong_use(env, "not a device of this module");
    return NULL;
  }
  if (device->fd < 0) {
    napi_throw_error(env, "CLOSED", "the device is closed");
    return NULL;
  }
  return device;
}

/** A string argument of bounded length, which the caller frees; NULL, with an exception, for any other value. */
static char *text_of(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length > (1u << 24)) {
    wrong_use(env, "a string is expected");
    return NULL;
  }
  char *text = malloc(length + 1);
  if (text == NULL || napi_get_value_string_utf8(env, value, text, length + 1, &length) != napi_ok) {
    free(text);
    wrong_use(env, "no memory for a string");
    return NULL;
  }
  return text;
}

/** A JavaScript object that owns the device from now on. */
static napi_value wrap(napi_env env, struct device *device) {
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok || napi_type_tag_object(env, object, &DEVICE_TAG) != napi_ok ||
      napi_wrap(env, object, device, finalize, NULL, NULL) != napi_ok) {
    close_device(device);
    free(device);
    return wrong_use(env, "no memory for a device");
  }
  device->holders = 1;
  return object;
}

static struct device *new_device(napi_env env) {
  struct device *device = calloc(1, sizeof *device);
  if (device == NULL) {
    wrong_use(env, "no memory for a device");
    return NULL;
  }
  device->fd = -1;
  device->env = env;
  return device;
}

/** Starts watching the descriptor; false when libuv or Node fail. */
static bool watch(napi_env env, struct device *device, napi_value listener) {
  uv_loop_t *loop;
  napi_value name;
  if (napi_create_reference(env, listener, 1, &device->listener) != napi_ok) return false;
  if (napi_create_string_utf8(env, "packet-ring", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  if (napi_async_init(env, NULL, name, &device->context) != napi_ok) return false;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return false;
  if (uv_poll_init(loop, &device->poll, device->fd) != 0) return false;
  device->poll.data = device;
  device->polls = true;
  device->holders += 1;
  napi_add_async_cleanup_hook(env, on_env_cleanup, device, &device->cleanup);
  return uv_poll_start(&device->poll, UV_READABLE, on_readable) == 0;
}

// open(interface, filter, scratchBytes, blockBytes, blocks, retireMs, onWake) → device with `memory`
static napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value given[7];
  size_t count = 7;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 7)
    return wrong_use(env, "seven arguments are expected");
  struct layout layout;
  napi_valuetype kind = napi_undefined;
  if (napi_get_value_uint32(env, given[2], &layout.scratch_bytes) != napi_ok ||
      napi_get_value_uint32(env, given[3], &layout.block_bytes) != napi_ok ||
      napi_get_value_uint32(env, given[4], &layout.blocks) != napi_ok ||
      napi_get_value_uint32(env, given[5], &layout.retire_ms) != napi_ok ||
      napi_typeof(env, given[6], &kind) != napi_ok || kind != napi_function)
    return wrong_use(env, "four numbers and a function are expected");
  const unsigned page = (unsigned)sysconf(_SC_PAGESIZE);
  if (layout.scratch_bytes < page || layout.scratch_bytes % page != 0 || layout.block_bytes < page ||
      layout.block_bytes % page != 0 || layout.block_bytes > (1u << 24) || layout.blocks < 2 || layout.blocks > (1u << 16))
    return wrong_use(env, "scratch area and blocks must consist of whole pages");
  char *name = text_of(env, given[0]);
  if (name == NULL) return NULL;
  char *filter = text_of(env, given[1]);
  struct device *device = filter == NULL ? NULL : new_device(env);
  if (device == NULL) {
    free(name);
    free(filter);
    return NULL;
  }
  struct fault fault;
  const bool opened = open_ring(device, name, filter, &layout, &fault);
  free(name);
  free(filter);
  if (!opened) {
    close_device(device);
    free(device);
    return throw_fault(env, &fault);
  }
  napi_value object = wrap(env, device);
  if (object == NULL) return NULL;
  napi_value memory;
  if (napi_create_external_arraybuffer(env, device->memory, device->bytes, nothing, NULL, &memory) != napi_ok ||
      napi_create_reference(env, memory, 1, &device->memory_ref) != napi_ok ||
      napi_set_named_property(env, object, "memory", memory) != napi_ok || !watch(env, device, given[6]))
    return wrong_use(env, "this Node cannot hold or watch the ring");
  return object;
}

// openSender(interface) → device
static napi_value js_open_sender(napi_env env, napi_callback_info info) {
  napi_value given[1];
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1)
    return wrong_use(env, "an interface is expected");
  char *name = text_of(env, given[0]);
  struct device *device = name == NULL ? NULL : new_device(env);
  if (device == NULL) {
    free(name);
    return NULL;
  }
  struct fault fault;
  const bool opened = open_sender(device, name, &fault);
  free(name);
  if (opened) return wrap(env, device);
  close_device(device);
  free(device);
  return throw_fault(env, &fault);
}

// setFilter(device, text)
static napi_value js_set_filter(napi_env env, napi_callback_info info) {
  napi_value given[2];
  size_t count = 2;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 2)
    return wrong_use(env, "a device and a string are expected");
  struct device *device = device_of(env, given[0]);
  char *text = device == NULL ? NULL : text_of(env, given[1]);
  if (text == NULL) return NULL;
  struct fault fault;
  const bool attached = attach_filter(device->fd, text, &fault);
  free(text);
  return attached ? NULL : throw_fault(env, &fault);
}

// dropped(device) → frames since it was opened
static napi_value js_dropped(napi_env env, napi_callback_info info) {
  napi_value given[1], result;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1)
    return wrong_use(env, "a device is expected");
  struct device *device = device_of(env, given[0]);
  if (device == NULL) return NULL;
  struct tpacket_stats_v3 since;
  socklen_t length = sizeof since;
  if (getsockopt(device->fd, SOL_PACKET, PACKET_STATISTICS, &since, &length) == 0) device->drops += since.tp_drops;
  return napi_create_double(env, device->drops, &result) == napi_ok ? result : NULL;
}

// send(device, bytes): a Uint8Array that begins with an Ethernet header
static napi_value js_send(napi_env env, napi_callback_info info) {
  napi_value given[2];
  size_t count = 2;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 2)
    return wrong_use(env, "a device and bytes are expected");
  struct device *device = device_of(env, given[0]);
  if (device == NULL) return NULL;
  napi_typedarray_type kind;
  size_t length = 0;
  void *bytes = NULL;
  if (napi_get_typedarray_info(env, given[1], &kind, &length, &bytes, NULL, NULL) != napi_ok || kind != napi_uint8_array)
    return wrong_use(env, "bytes are expected");
  ssize_t sent;
  do sent = send(device->fd, bytes, length, 0);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return NULL;
  const int error = errno;
  struct fault fault;
  if (error == ENETDOWN || error == ENXIO || error == ENODEV)
    fail(&fault, "NOT_UP", "a frame was not sent: the interface is down or gone");
  else if (error == EAGAIN || error == ENOBUFS)
    fail(&fault, "BUSY", "a frame was not sent: the interface's queue is full");
  else
    fail(&fault, "SYSTEM", "a frame was not sent: %s", strerror(error));
  return throw_fault(env, &fault);
}

// close(device): detaches its ArrayBuffer, which is empty from then on
static napi_value js_close(napi_env env, napi_callback_info info) {
  napi_value given[1], memory;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1)
    return wrong_use(env, "a device is expected");
  struct device *device = device_of(env, given[0]);
  if (device == NULL) return NULL;
  if (device->memory_ref != NULL) {
    if (napi_get_reference_value(env, device->memory_ref, &memory) != napi_ok ||
        napi_detach_arraybuffer(env, memory) != napi_ok)
      return wrong_use(env, "the ring cannot be detached");
    napi_delete_reference(env, device->memory_ref);
    device->memory_ref = NULL;
  }
  if (device->listener != NULL) napi_delete_reference(env, device->listener);
  if (device->context != NULL) napi_async_destroy(env, device->context);
  device->listener = NULL;
  device->context = NULL;
  if (device->polls) {
    device->polls = false;
    uv_poll_stop(&device->poll);
    uv_close((uv_handle_t *)&device->poll, poll_closed);
  }
  // libuv no longer uses the descriptor once its handle is stopped.
  close_device(device);
  return NULL;
}

static napi_value init(napi_env env, napi_value exports) {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {{"open", js_open},       {"openSender", js_open_sender}, {"setFilter", js_set_filter},
                   {"dropped", js_dropped}, {"send", js_send},              {"close", js_close}};
  for (size_t at = 0; at < sizeof functions / sizeof functions[0]; at += 1) {
    napi_value function;
    if (napi_create_function(env, functions[at].name, NAPI_AUTO_LENGTH, functions[at].call, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[at].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}

NAPI_MODULE(packet_ring, init)
