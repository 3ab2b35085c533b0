# For builds with node-gyp; CMakeLists.txt is the reference build.
{
  'targets': [
    {
      'target_name': 'conntrack_ftp',
      'sources': [
        '<!@(node -p "require(\'node:fs\').readdirSync(\'native\').filter((name) => name.endsWith(\'.cc\')).map((name) => \'native/\' + name).join(\' \')")',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
      'cflags': ['<!@(pkg-config --cflags libmnl)', '-fvisibility=hidden', '-Wall', '-Wextra'],
      'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fvisibility-inlines-hidden'],
      'libraries': ['<!@(pkg-config --libs libmnl)'],
    },
  ],
}
