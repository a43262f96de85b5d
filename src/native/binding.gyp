{
  'variables': {
    'warnings': ['-std=gnu11', '-Wall', '-Wextra', '-fvisibility=hidden'],
  },
  'targets': [
    {
      'target_name': 'preforkd',
      'sources': ['preforkd.c'],
      'defines': ['NAPI_VERSION=8'],
      'cflags': ['<@(warnings)'],
      'xcode_settings': {'OTHER_CFLAGS': ['<@(warnings)']},
    },
    {
      'target_name': 'launch',
      'type': 'executable',
      'sources': ['launch.c'],
      'cflags': ['<@(warnings)'],
      'xcode_settings': {'OTHER_CFLAGS': ['<@(warnings)']},
      # It is linked as if it were C++; without this it loads that library, which costs as much as it does itself.
      'conditions': [['OS!="mac"', {'ldflags': ['-Wl,--as-needed']}]],
    },
  ],
}
