#!/bin/sh
# Makes target/macos/Flowyard.app and a disk image of it. On macOS with Xcode's command line tools:
#   packaging/macos/make-dmg.sh BINARY…      one binary, or one for each processor, which are joined
# The app is signed ad hoc, which lets it run on the machine that made it. To hand it out, sign it with a certificate of one's own
# (SIGN_AS="Developer ID Application: …") and have Apple notarise the image (xcrun notarytool submit --wait; xcrun stapler staple).
set -eu
[ $# -ge 1 ] || { echo "usage: $0 BINARY…" >&2; exit 2; }

packaging=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$packaging")
version=$(plutil -extract CFBundleShortVersionString raw "$packaging/macos/Info.plist")
out=$root/target/macos
app=$out/image/Flowyard.app
contents=$app/Contents

rm -rf "$out"
mkdir -p "$contents/MacOS" "$contents/Resources/templates"
lipo -create "$@" -output "$contents/MacOS/flowyard"
chmod 755 "$contents/MacOS/flowyard"
cp "$packaging/macos/Info.plist" "$contents/Info.plist"
plutil -lint "$contents/Info.plist"
printf 'APPL????' >"$contents/PkgInfo"
cp "$root"/assets/templates/*.flowyard "$contents/Resources/templates/"
cp "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$root/target/release/THIRD-PARTY.txt" "$contents/Resources/"

# SVG's name, folder and name of its pictures in the icon theme
icns() {
    set_of=$out/$1.iconset
    mkdir "$set_of"
    for size in 16 32 128 256 512; do
        cp "$packaging/icons/hicolor/${size}x${size}/$2/$3.png" "$set_of/icon_${size}x${size}.png"
        double=$((size * 2))
        twice="$packaging/icons/hicolor/${double}x${double}/$2/$3.png"
        if [ -e "$twice" ]; then cp "$twice" "$set_of/icon_${size}x${size}@2x.png"; fi
    done
    iconutil --convert icns --output "$contents/Resources/$1.icns" "$set_of"
}
icns flowyard apps flowyard
icns flowyard-document mimetypes application-x-flowyard+json

codesign --force --options runtime --sign "${SIGN_AS:--}" "$app"
codesign --verify --strict "$app"
ln -s /Applications "$out/image/Applications"
hdiutil create -volname Flowyard -srcfolder "$out/image" -format UDZO -ov "$out/flowyard-$version-macos.dmg"
