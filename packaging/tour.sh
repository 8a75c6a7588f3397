# Sourced by ./run: the tour itself, and what stops and removes what it made. Needs HERE and packaging/setup.sh.

INSTANCE=tour
IMAGE=debian/12
POOLS=(fast plain)

# Where state, log, process id and export file are. A unix socket's path may have 107 bytes, so a deep clone needs
# another place.
choose_places() {
  RUN_DIR="$HERE/.run"
  mkdir -p "$RUN_DIR"
  if [ -z "${HOLDFAST_DIR-}" ]; then
    HOLDFAST_DIR="$RUN_DIR/state"
    [ ${#HOLDFAST_DIR} -lt 90 ] || HOLDFAST_DIR="/var/lib/holdfast-$(echo "$HERE" | sha256sum | cut -c 1-8)"
  fi
  export HOLDFAST_DIR HOLDFAST_CONF="$RUN_DIR/remotes"  # whoever runs this may know servers elsewhere
  LOG="$RUN_DIR/server.log"
  PID_FILE="$RUN_DIR/server.pid"
  EXPORT_FILE="$RUN_DIR/$INSTANCE.tar.gz"
}

holdfast() { "$HERE/.venv/bin/holdfast" "$@"; }

# Show a command as one would type it, then run it; it fails the tour if it fails.
show() {
  local word line="\$ holdfast"
  for word in "$@"; do
    case $word in *[!A-Za-z0-9_./:=@%+-]*) line+=" '$word'" ;; *) line+=" $word" ;; esac
  done
  faint "$line"
  holdfast "$@" || fail "that command failed; the server's log is $LOG"
}

TIMES=()
step() {
  end_step
  STEP_NAME=$1
  STEP_START=${EPOCHREALTIME/./}
  echo
  say "$1"
}
end_step() {
  [ -n "${STEP_NAME-}" ] || return 0
  TIMES+=("$(printf '%7.2f s  %s' "$(((${EPOCHREALTIME/./} - STEP_START) / 10000))e-2" "$STEP_NAME")")
  STEP_NAME=
}

# The server that the tour started, if it still runs: the id in the file must be that of our command.
server_pid() {
  local pid
  pid=$(cat "$PID_FILE" 2>/dev/null) || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$HERE/.venv/bin/holdfast server" || return 1
  echo "$pid"
}

start_server() {
  if holdfast query /1.0 >/dev/null 2>&1; then
    echo "The server runs already (state in $HOLDFAST_DIR)."
    return 0
  fi
  mkdir -p "$HOLDFAST_DIR"
  faint "\$ HOLDFAST_DIR=$HOLDFAST_DIR holdfast server &"
  setsid "$HERE/.venv/bin/holdfast" server >>"$LOG" 2>&1 </dev/null &
  echo $! >"$PID_FILE"
  holdfast waitready --timeout 60 || { tail -n 20 "$LOG" >&2 && fail "the server did not start; its log is $LOG"; }
  echo "Its log is $LOG"
}

stop_server() {
  local pid waited=0
  if ! pid=$(server_pid); then
    echo "No server of this clone is running."
    return 0
  fi
  kill -TERM "$pid"
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
    waited=$((waited + 1))
    [ $waited -lt 600 ] || fail "the server (process $pid) did not stop within a minute; its log is $LOG"
  done
  rm -f "$PID_FILE"
  echo "The server has stopped. Containers keep running; ./run finds them again."
}

has() { holdfast query "/1.0/$1" >/dev/null 2>&1; }

make_pools() {
  if has storage-pools/fast; then echo "Pool fast is there."; else show storage create fast btrfs size=10GiB; fi
  if has storage-pools/plain; then echo "Pool plain is there."; else show storage create plain dir; fi
}

make_image() {
  if has "images/aliases/${IMAGE/\//%2F}"; then
    echo "The image $IMAGE is there."
  else
    show image build "$IMAGE" --alias "$IMAGE"
  fi
}

# Wait until the system inside has booted, well or not quite.
wait_booted() {
  local tries=0 state
  until state=$(holdfast exec "$INSTANCE" -- systemctl is-system-running --wait 2>/dev/null) ||
    [ "$state" = degraded ]; do
    tries=$((tries + 1))
    [ $tries -lt 120 ] || fail "the container did not boot within a minute: holdfast console $INSTANCE --show-log"
    sleep 0.5
  done
}

check_data() { show exec "$INSTANCE" -- sh -c 'cat /srv/data/letter && sha256sum --check --quiet /root/sums && echo "All files of /srv/data are whole: $(wc -l </root/sums)"'; }

tour() {
  local begin=${EPOCHREALTIME/./}
  step "Start the server"
  start_server
  step "Make two storage pools"
  make_pools
  step "Build a Debian image from this machine's mirror"
  make_image
  if has "instances/$INSTANCE"; then
    step "Remove the container of the last tour"
    show delete --force "$INSTANCE"
  fi
  rm -f "$EXPORT_FILE"

  step "Launch a container"
  show launch "$IMAGE" "$INSTANCE" --storage fast
  wait_booted
  show list
  step "Write data in it"
  show exec "$INSTANCE" -- sh -c 'mkdir /srv/data && cp -a /etc /usr/lib/systemd /usr/share/perl5 /srv/data; echo "Dear reader, hold fast." >/srv/data/letter; find /srv/data -type f -exec sha256sum {} + >/root/sums; echo "$(wc -l </root/sums) files written"'
  step "Take a snapshot"
  show snapshot "$INSTANCE" before
  step "Destroy the data"
  show exec "$INSTANCE" -- rm -rf /srv/data
  show exec "$INSTANCE" -- ls /srv
  step "Restore the snapshot"
  show restore "$INSTANCE" before
  wait_booted
  step "See that the data is back"
  check_data

  step "Export to a file"
  show export "$INSTANCE" "$EXPORT_FILE"
  step "Delete the container, snapshots and all"
  show delete --force "$INSTANCE"
  step "Import the file, into the other pool"
  show import "$EXPORT_FILE" --storage plain
  step "Start it"
  show start "$INSTANCE"
  wait_booted
  step "See that data and snapshot are there"
  check_data
  show info "$INSTANCE"
  has "instances/$INSTANCE/snapshots/before" || fail "the snapshot did not come back"
  end_step
  conclude "$begin"
}

conclude() {
  printf '\nDone. How long each step took:\n'
  printf '  %s\n' "${TIMES[@]}"
  printf '  %7.2f s  together\n' "$(((${EPOCHREALTIME/./} - $1) / 10000))e-2"
  cat <<TEXT

The export file: $EXPORT_FILE ($(du -h "$EXPORT_FILE" | cut -f 1))
A real LXD takes it, too: lxc import $EXPORT_FILE

What next:
  export HOLDFAST_DIR=$HOLDFAST_DIR PATH="$HERE/.venv/bin:\$PATH"
  holdfast list
  holdfast exec $INSTANCE -- bash
  holdfast config set $INSTANCE limits.memory 512MiB
  holdfast --help

The same server with LXD's own client (Debian package lxd-client):
  LXD_SOCKET=$HOLDFAST_DIR/unix.socket lxc list
  LXD_SOCKET=$HOLDFAST_DIR/unix.socket lxc snapshot $INSTANCE today

./run --stop stops the server, ./run --clean removes what the tour made.
Documentation: docs/index.md
TEXT
  show_web_page
}

# The last lines of the tour: a link that opens the web page, signed in.
show_web_page() {
  local address
  address=$(holdfast config get core.https_address) || return 0
  [ -n "$address" ] || address=$(free_address) || return 0
  echo
  say "The web page"
  show ui --no-open --address "$address"
}

# Print an address of this machine at which nothing listens.
free_address() {
  local port
  for port in 8443 8444 8445 8446 8447; do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "127.0.0.1:$port" && return 0; }
  done
  return 1
}

clean() {
  local pool
  if [ ! -d "$HOLDFAST_DIR" ]; then
    echo "Nothing to remove: $HOLDFAST_DIR is not there."
    rm -rf "$RUN_DIR"
    return 0
  fi
  [ -x "$HERE/.venv/bin/holdfast" ] || fail "$HERE/.venv is not there, and removing pools needs it: ./run, then ./run --clean"
  start_server
  if has "instances/$INSTANCE"; then show delete --force "$INSTANCE"; fi
  if has "images/aliases/${IMAGE/\//%2F}"; then show image delete "$IMAGE"; fi
  if [ "$(holdfast query '/1.0/instances')" != "[]" ]; then
    holdfast list
    fail "these containers are not the tour's and stay, with their pools. Delete them, then run this again."
  fi
  for pool in "${POOLS[@]}"; do
    if has "storage-pools/$pool"; then show storage delete "$pool"; fi
  done
  if [ "$(holdfast query '/1.0/storage-pools')" != "[]" ]; then
    holdfast storage list
    fail "these pools are not the tour's and stay. Delete them, then run this again."
  fi
  stop_server
  rm -rf "$HOLDFAST_DIR" "$RUN_DIR"
  echo "Removed $HOLDFAST_DIR and $RUN_DIR."
}
