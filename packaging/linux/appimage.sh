#!/bin/sh
# Makes target/appimage/Flowyard-VERSION-ARCH.AppImage of the binary in target/release. It needs appimagetool on the PATH.
# The libraries for display and graphics are those of the machine that it runs on, as linux/try-deb.sh lists them.
set -eu
cd "$(dirname "$0")/../.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
arch=$(uname -m)
out=target/appimage
dir=$out/Flowyard.AppDir
icons=packaging/icons/hicolor

rm -rf "$dir"
install -D -m 755 target/release/flowyard "$dir/usr/bin/flowyard"
install -D -m 644 packaging/linux/flowyard.desktop "$dir/usr/share/applications/flowyard.desktop"
install -D -m 644 packaging/linux/flowyard-mime.xml "$dir/usr/share/mime/packages/flowyard.xml"
install -D -m 644 packaging/linux/app.flowyard.flowyard.metainfo.xml \
    "$dir/usr/share/metainfo/app.flowyard.flowyard.appdata.xml"
install -D -m 644 -t "$dir/usr/share/flowyard/templates" assets/templates/*.flowyard
install -D -m 644 -t "$dir/usr/share/doc/flowyard" LICENSE-MIT LICENSE-APACHE target/release/THIRD-PARTY.txt
mkdir -p "$dir/usr/share/icons"
cp -R "$icons" "$dir/usr/share/icons/hicolor"

# What appimagetool and the file managers look for at the top.
cp packaging/linux/flowyard.desktop "$dir/flowyard.desktop"
cp "$icons/256x256/apps/flowyard.png" "$dir/flowyard.png"
ln -s flowyard.png "$dir/.DirIcon"
ln -s usr/bin/flowyard "$dir/AppRun"

ARCH=$arch appimagetool "$dir" "$out/Flowyard-$version-$arch.AppImage"
