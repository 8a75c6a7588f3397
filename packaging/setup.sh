# Sourced by ./run and ./test: installs what is missing, and nothing else. Needs HERE (the clone's directory).
#
#   set_up_packages NAME...     Debian packages, by apt-get, only those that are not installed
#   set_up_environment          .venv with the locked dependencies and Holdfast itself (editable)
#   set_up_webui                the web page, built by Node.js into the package

# What the server needs to run containers, keep pools and make images. "a|b" is whichever this Debian has.
RUN_PACKAGES=(
  python3 python3-venv ca-certificates
  lxc 'liblxc1t64|liblxc1' liblxc-common uidmap iproute2 util-linux mount
  btrfs-progs squashfs-tools e2fsprogs tar xz-utils bzip2 acl attr
  mmdebstrap debian-archive-keyring busybox-static rsync)
# What only the tests need: a real LXD with its client to compare with, the tools that LXD calls, and a browser.
TEST_PACKAGES=(chromium git lxd lxd-client nftables strace zstd xfsprogs)

# Headings stand out and commands step back, on a terminal only.
if [ -t 1 ]; then BOLD=$'\033[1m' FAINT=$'\033[2m' PLAIN=$'\033[0m'; else BOLD='' FAINT='' PLAIN=''; fi
say() { printf '%s==> %s%s\n' "$BOLD" "$*" "$PLAIN"; }
faint() { printf '%s%s%s\n' "$FAINT" "$*" "$PLAIN"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

require_root() { [ "$(id -u)" -eq 0 ] || fail "$1 needs root: it runs containers and mounts pools. Try: sudo $1"; }

require_debian() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
    fail "this set-up knows Debian 12 and 13 only. Elsewhere install by hand: ${RUN_PACKAGES[*]}"
}

is_installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Print those of the named packages that are not installed.
missing_packages() {
  local wanted name
  for wanted in "$@"; do
    for name in ${wanted//|/ }; do is_installed "$name" && continue 2; done
    echo "$wanted"
  done
}

# Print, for each "a|b", the first that the package sources offer as a package of its own.
choose_packages() {
  local wanted name
  for wanted in "$@"; do
    for name in ${wanted//|/ }; do
      apt-cache show --quiet=2 --no-all-versions "$name" 2>/dev/null | grep -q '^Package:' && break
    done
    echo "$name"
  done
}

set_up_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  require_debian
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  # One broken source of another vendor must not stop us: what counts is whether the packages can be installed.
  apt-get update -qq || say "Some package sources could not be read; going on with the others."
  mapfile -t missing < <(choose_packages "${missing[@]}")
  DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null ||
    fail "apt-get could not install: ${missing[*]}"
}

# As set_up_packages, but one that can't be had is only named: tests that need it are then skipped by name.
set_up_optional_packages() {
  local missing name
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! (set_up_packages "${missing[@]}"); then
    for name in "${missing[@]}"; do
      (set_up_packages "$name") || say "Without $name: the tests that need it are skipped, by name."
    done
  fi
}

# For the tests that exchange files with it: Incus 6.0, unpacked into the clone and not installed, as nothing of it is to
# run by itself. Debian 12 has it in its backports, which the machine's own package sources need not name.
set_up_incus() {
  local place="$HERE/.incus" scratch codename
  [ -x /usr/libexec/incus/incusd ] || [ -x "$place/usr/libexec/incus/incusd" ] && return 0
  say "Fetching Incus for the tests that exchange files with it"
  scratch=$(mktemp -d)
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  if fetch_incus "$scratch" "$codename" 2>"$scratch/log"; then
    for package in "$scratch"/debs/*.deb; do dpkg-deb --extract "$package" "$place"; done
  else
    faint "$(tail -n 3 "$scratch/log")"
    say "Without Incus: the tests that need it are skipped, by name."
  fi
  rm -rf "$scratch"
}

fetch_incus() {
  local scratch=$1 codename=$2 repository suite suites=("$2")
  [ "$codename" != bookworm ] || suites+=(bookworm-backports)
  repository=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' |
    awk -v codename="$codename" '$2 == codename && $3 == "Debian" { print $1; exit }')
  [ -n "$repository" ] || return 1
  mkdir -p "$scratch"/{lists/partial,cache/archives/partial,debs}
  chmod -R a+rx "$scratch"
  for suite in "${suites[@]}"; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $repository $suite main"
  done >"$scratch/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$scratch/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" -o APT::Sandbox::User=root
    -o "APT::Default-Release=${suites[-1]}")
  "${apt[@]}" update &&
    (cd "$scratch/debs" &&
      "${apt[@]}" download incus-base incus-client libcowsql0 libraft0 squashfs-tools-ng libsquashfs1)
}

# What the environment was made from: another lock file, interpreter or place makes it anew.
environment_key() {
  { echo "$HERE"; /usr/bin/python3 --version; cat "$HERE/requirements.lock" "$HERE/pyproject.toml"; } | sha256sum
}

set_up_environment() {
  local venv="$HERE/.venv" stamp="$HERE/.venv/.made-from" key
  key=$(environment_key)
  [ -x "$venv/bin/holdfast" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$key" ] && return 0
  say "Making $venv from requirements.lock (about half a minute)"
  rm -f "$stamp"
  /usr/bin/python3 -m venv --clear "$venv" || fail "could not make $venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: \
    --require-hashes -r "$HERE/requirements.lock" || fail "pip could not install requirements.lock (is there a network?)"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation \
    --editable "$HERE" || fail "pip could not install Holdfast itself"
  echo "$key" >"$stamp"
}

# The web page, built into the package. What it was made from is noted beside it; while that is the same nothing is done.
# Without it the server and all else work, so that what goes wrong here is told and stops nothing.
set_up_webui() {
  local built="$HERE/src/holdfast/server/webui_files" key log
  [ -f "$HERE/webui/package.json" ] || return 0
  key=$(webui_key)
  [ "$(cat "$built/.built-from" 2>/dev/null)" = "$key" ] && return 0
  if ! has_node && ! { (set_up_packages nodejs npm) && has_node; }; then
    say "Without Node.js 18 or newer, and npm: the web page is not built."
    return 0
  fi
  say "Building the web page (about a minute)"
  log=$(mktemp)
  if (build_webui) >"$log" 2>&1 </dev/null; then
    echo "$key" >"$built/.built-from"
  else
    faint "$(tail -n 15 "$log")"
    say "The web page could not be built; the server works without it, and this is tried again next time."
  fi
  rm -f "$log"
}

has_node() {
  local version
  version=$(node --version 2>/dev/null) && version=${version#v} && [ "${version%%.*}" -ge 18 ] && command -v npm >/dev/null
}

build_webui() {
  local locked
  cd "$HERE/webui" || return
  locked=$(sha256sum <package-lock.json)
  if [ "$(cat node_modules/.made-from 2>/dev/null)" != "$locked" ]; then
    npm ci --no-audit --no-fund || return
    echo "$locked" >node_modules/.made-from
  fi
  npm run build
}

# What the page is built from: every file below webui/ but those that the build itself makes.
webui_key() {
  (cd "$HERE/webui" && find . -name node_modules -prune -o -path ./src/api/schema.ts -o -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
}
