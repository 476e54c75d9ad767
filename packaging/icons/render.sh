#!/bin/sh
# Renders the two SVG files to what Linux and Windows want; macOS makes its own of these (macos/make-dmg.sh).
# What comes out is kept in the repository: run this after a change of an SVG.
# On Debian: apt-get install librsvg2-bin optipng icoutils
set -eu
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# SVG, its folder in the icon theme, its name there
render() {
    for size in 16 24 32 48 64 128 256 512; do
        rsvg-convert -w "$size" -h "$size" "$1.svg" -o "$work/$1-$size.png"
        optipng -quiet -strip all "$work/$1-$size.png"
        mkdir -p "hicolor/${size}x${size}/$2"
        cp "$work/$1-$size.png" "hicolor/${size}x${size}/$2/$3.png"
    done
    mkdir -p "hicolor/scalable/$2"
    cp "$1.svg" "hicolor/scalable/$2/$3.svg"
    # Windows reads the largest one only as PNG.
    icotool -c -o "$1.ico" --raw="$work/$1-256.png" \
        "$work/$1-16.png" "$work/$1-24.png" "$work/$1-32.png" "$work/$1-48.png" "$work/$1-64.png"
}

rm -rf hicolor
render flowyard apps flowyard
render flowyard-document mimetypes application-x-flowyard+json
