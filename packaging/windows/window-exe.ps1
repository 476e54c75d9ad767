# Makes target\release\flowyard-window.exe: flowyard.exe, marked so that Windows opens no terminal behind the window.
# The mark is the field Subsystem of the PE header: 3 is a terminal's program, 2 is a window's.
$ErrorActionPreference = 'Stop'
$release = Join-Path $PSScriptRoot '..\..\target\release' | Resolve-Path
$bytes = [IO.File]::ReadAllBytes((Join-Path $release 'flowyard.exe'))
$header = [BitConverter]::ToInt32($bytes, 0x3C)
if ([Text.Encoding]::ASCII.GetString($bytes, $header, 4) -ne "PE`0`0") { throw 'flowyard.exe has no PE header' }
$subsystem = $header + 0x5C
if ([BitConverter]::ToUInt16($bytes, $subsystem) -ne 3) { throw 'flowyard.exe is not a program of a terminal' }
$bytes[$subsystem] = 2
[IO.File]::WriteAllBytes((Join-Path $release 'flowyard-window.exe'), $bytes)
