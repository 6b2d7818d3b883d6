#!/bin/sh
# Install what the private stack needs from the operating system: Mosquitto, OpenSSL, PostgreSQL, TimescaleDB (Apache edition).
# Debian and Ubuntu, as root. Debian 13 ships TimescaleDB; for Debian 12 it is built once from Debian 13's source package.
# A second run finds everything there and returns at once.
set -eu

present() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }
timescale_control() { ls /usr/share/postgresql/*/extension/timescaledb.control 2>/dev/null | sort -V | tail -n 1; }

[ -n "$(timescale_control)" ] && present mosquitto && present mosquitto-clients && present openssl && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "wanghuo: Mosquitto, its clients and PostgreSQL with TimescaleDB are needed; on Debian or Ubuntu run: sudo sh $0" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null; }

# The packages' own services would take the default ports; the private stack starts its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy
  trap 'rm -f $policy' EXIT
fi

echo "wanghuo: installing system packages (once)" >&2
apt-get update -qq
install mosquitto mosquitto-clients openssl
[ -n "$(timescale_control)" ] && exit 0

if apt-cache show postgresql-17-timescaledb >/dev/null 2>&1; then
  install postgresql-17 postgresql-17-timescaledb
  exit 0
fi

version=$(apt-cache depends postgresql | sed -n 's/^  Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
echo "wanghuo: building TimescaleDB for PostgreSQL $version from Debian's source (once, about a minute)" >&2
install "postgresql-$version" "postgresql-server-dev-$version" build-essential cmake dpkg-dev libssl-dev libkrb5-dev
build=$(mktemp -d)
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
mkdir -p "$build/lists/partial"
printf 'deb-src %s trixie main\n' "$mirror" > "$build/sources.list"
source_apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$build/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$build/lists" \
    -o APT::Sandbox::User=root "$@"
}
cd "$build"
source_apt update
source_apt --download-only source timescaledb
dpkg-source --no-check -x timescaledb_*.dsc tree >/dev/null 2>&1
cd tree
./bootstrap -DCMAKE_BUILD_TYPE=Release -DREGRESS_CHECKS=OFF -DAPACHE_ONLY=1 -DWARNINGS_AS_ERRORS=OFF \
  -DPG_CONFIG="/usr/lib/postgresql/$version/bin/pg_config" > ../build.log 2>&1 || { tail -n 30 ../build.log >&2; exit 1; }
make -C build -j"$(nproc)" install >> ../build.log 2>&1 || { tail -n 30 ../build.log >&2; exit 1; }
cd /
rm -rf "$build"
