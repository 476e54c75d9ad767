; Inno Setup 6.3 or newer:  iscc /DVersion=0.0.0 packaging\windows\flowyard.iss  (packaging/README.md)
; Installs for one person without administrator rights, or for all where that is asked for. Uninstalling leaves flows and logs.
#ifndef Version
  #error "Give the version of Cargo.toml: /DVersion=…"
#endif
#define Release "..\..\target\release"

[Setup]
AppId={{75B0135C-A363-4D4B-A354-8A6A0AEDB2F0}
AppName=Flowyard
AppVersion={#Version}
AppPublisher=The Flowyard authors
AppCopyright=2026 The Flowyard authors
LicenseFile=..\..\LICENSE-MIT
DefaultDirName={autopf}\Flowyard
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0
ChangesAssociations=yes
SetupIconFile=..\icons\flowyard.ico
UninstallDisplayIcon={app}\flowyard.ico
UninstallDisplayName=Flowyard
OutputDir=..\..\target\windows
OutputBaseFilename=flowyard-{#Version}-x64-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern

[Files]
; The same program twice: for a terminal, and without one behind the window (windows/window-exe.ps1).
Source: "{#Release}\flowyard.exe"; DestDir: "{app}"; Flags: ignoreversion
Source: "{#Release}\flowyard-window.exe"; DestDir: "{app}"; Flags: ignoreversion
Source: "{#Release}\THIRD-PARTY.txt"; DestDir: "{app}"; Flags: ignoreversion
Source: "..\..\LICENSE-MIT"; DestDir: "{app}"; DestName: "LICENSE-MIT.txt"; Flags: ignoreversion
Source: "..\..\LICENSE-APACHE"; DestDir: "{app}"; DestName: "LICENSE-APACHE.txt"; Flags: ignoreversion
Source: "..\..\assets\templates\*.flowyard"; DestDir: "{app}\templates"; Flags: ignoreversion
Source: "..\icons\flowyard.ico"; DestDir: "{app}"; Flags: ignoreversion
Source: "..\icons\flowyard-document.ico"; DestDir: "{app}"; Flags: ignoreversion

[Icons]
Name: "{autoprograms}\Flowyard"; Filename: "{app}\flowyard-window.exe"; IconFilename: "{app}\flowyard.ico"; AppUserModelID: "app.flowyard.flowyard"

[Registry]
Root: HKA; Subkey: "Software\Classes\.flowyard"; ValueType: string; ValueName: "Content Type"; ValueData: "application/x-flowyard+json"; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\.flowyard\OpenWithProgids"; ValueType: string; ValueName: "Flowyard.Flow"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Flowyard.Flow"; ValueType: string; ValueName: ""; ValueData: "Flow"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Flowyard.Flow\DefaultIcon"; ValueType: string; ValueName: ""; ValueData: "{app}\flowyard-document.ico"
Root: HKA; Subkey: "Software\Classes\Flowyard.Flow\shell\open\command"; ValueType: string; ValueName: ""; ValueData: """{app}\flowyard-window.exe"" open ""%1"""

[Run]
Filename: "{app}\flowyard-window.exe"; Description: "{cm:LaunchProgram,Flowyard}"; Flags: nowait postinstall skipifsilent
