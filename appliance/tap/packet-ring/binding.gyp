# Compiles packet-ring.c; node-gyp reads this when npm installs this folder.
{
  'targets': [
    {
      'target_name': 'packet_ring',
      'sources': ['packet-ring.c'],
      'defines': ['NAPI_VERSION=8', '_GNU_SOURCE'],
      'cflags_c': ['-std=c11', '-Wall', '-Wextra', '-Werror=implicit-function-declaration'],
      'link_settings': {'libraries': ['-lpcap']},
    },
  ],
}
