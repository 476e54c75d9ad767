//! Everything a person can ask for by name: the one list that feeds menus, the palette, the toolbar and the shortcuts.
use serde::{Deserialize, Serialize};

/// A command. Its name in the preferences is the variant's, in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UiCommand {
    New,
    Open,
    Save,
    SaveAs,
    CloseTab,
    NextTab,
    PreviousTab,
    Quit,
    Undo,
    Redo,
    Cut,
    Copy,
    Paste,
    Duplicate,
    Delete,
    DeleteAndHeal,
    SelectAll,
    SelectNothing,
    SelectUpstream,
    SelectDownstream,
    Rename,
    ToggleMute,
    QuickAdd,
    Connect,
    AddNote,
    Group,
    Ungroup,
    ToggleCollapse,
    AlignLeft,
    AlignCenter,
    AlignRight,
    AlignTop,
    AlignMiddle,
    AlignBottom,
    DistributeAcross,
    DistributeDown,
    TidyUp,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    FitAll,
    FitSelection,
    Back,
    Forward,
    ToggleMinimap,
    ToggleSnap,
    ToggleInspector,
    ToggleLog,
    ResetPanels,
    ShowFlows,
    ShowTemplates,
    ShowSettings,
    Palette,
    Test,
    CancelTest,
    ThemeSystem,
    ThemeDark,
    ThemeLight,
    ScaleUp,
    ScaleDown,
    ScaleReset,
    ToggleMotion,
    TestStep,
    TestToHere,
    ShowSandbox,
    ToggleOutline,
    ShowLog,
    ShowConnections,
    ShowLive,
    GoLive,
    SwitchFlow,
}

/// Where a command stands in the menus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Menu {
    File,
    Edit,
    Arrange,
    View,
    Run,
}

/// What is fixed about a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    /// "Save as…".
    pub(crate) title: &'static str,
    /// Where it stands.
    pub(crate) menu: Menu,
    /// "Ctrl+S", "A"; Ctrl stands for the system's own command key. Empty for none.
    pub(crate) shortcut: &'static str,
    /// Other words that a person may look for.
    pub(crate) words: &'static str,
}

impl UiCommand {
    /// All of them, in the order of the menus.
    pub(crate) const ALL: &'static [Self] = &[
        Self::New,
        Self::Open,
        Self::Save,
        Self::SaveAs,
        Self::CloseTab,
        Self::NextTab,
        Self::PreviousTab,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::Cut,
        Self::Copy,
        Self::Paste,
        Self::Duplicate,
        Self::Delete,
        Self::DeleteAndHeal,
        Self::SelectAll,
        Self::SelectNothing,
        Self::SelectUpstream,
        Self::SelectDownstream,
        Self::Rename,
        Self::ToggleMute,
        Self::QuickAdd,
        Self::Connect,
        Self::AddNote,
        Self::Group,
        Self::Ungroup,
        Self::ToggleCollapse,
        Self::AlignLeft,
        Self::AlignCenter,
        Self::AlignRight,
        Self::AlignTop,
        Self::AlignMiddle,
        Self::AlignBottom,
        Self::DistributeAcross,
        Self::DistributeDown,
        Self::TidyUp,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::FitAll,
        Self::FitSelection,
        Self::Back,
        Self::Forward,
        Self::ToggleOutline,
        Self::ToggleMinimap,
        Self::ToggleSnap,
        Self::ToggleInspector,
        Self::ToggleLog,
        Self::ResetPanels,
        Self::ShowFlows,
        Self::ShowTemplates,
        Self::ShowConnections,
        Self::ShowLive,
        Self::ShowSandbox,
        Self::ShowSettings,
        Self::Palette,
        Self::Test,
        Self::TestStep,
        Self::TestToHere,
        Self::CancelTest,
        Self::GoLive,
        Self::SwitchFlow,
        Self::ThemeSystem,
        Self::ThemeDark,
        Self::ThemeLight,
        Self::ScaleUp,
        Self::ScaleDown,
        Self::ScaleReset,
        Self::ToggleMotion,
        Self::ShowLog,
    ];

    /// What is fixed about it.
    pub(crate) fn spec(self) -> Spec {
        let it = |menu, title, shortcut, words| Spec { title, menu, shortcut, words };
        match self {
            Self::New => it(Menu::File, "New flow", "Ctrl+N", "empty create"),
            Self::Open => it(Menu::File, "Open…", "Ctrl+O", "file load"),
            Self::Save => it(Menu::File, "Save", "Ctrl+S", "write"),
            Self::SaveAs => it(Menu::File, "Save as…", "Ctrl+Shift+S", "copy export"),
            Self::CloseTab => it(Menu::File, "Close flow", "Ctrl+W", "tab"),
            Self::NextTab => it(Menu::File, "Next flow", "Ctrl+Tab", "tab switch"),
            Self::PreviousTab => it(Menu::File, "Previous flow", "Ctrl+Shift+Tab", "tab switch"),
            Self::Quit => it(Menu::File, "Quit", "Ctrl+Q", "exit leave close window"),
            Self::Undo => it(Menu::Edit, "Undo", "Ctrl+Z", "back take"),
            Self::Redo => it(Menu::Edit, "Redo", "Ctrl+Shift+Z", "again"),
            Self::Cut => it(Menu::Edit, "Cut", "Ctrl+X", ""),
            Self::Copy => it(Menu::Edit, "Copy", "Ctrl+C", "clipboard"),
            Self::Paste => it(Menu::Edit, "Paste", "Ctrl+V", "clipboard insert"),
            Self::Duplicate => it(Menu::Edit, "Duplicate", "Ctrl+D", "copy clone"),
            Self::Delete => it(Menu::Edit, "Delete", "Delete", "remove"),
            Self::DeleteAndHeal => it(Menu::Edit, "Delete and join the ends", "Shift+Delete", "heal remove bridge"),
            Self::SelectAll => it(Menu::Edit, "Select all", "Ctrl+A", ""),
            Self::SelectNothing => it(Menu::Edit, "Select nothing", "", "clear deselect"),
            Self::SelectUpstream => it(Menu::Edit, "Select all that leads here", "U", "upstream before"),
            Self::SelectDownstream => it(Menu::Edit, "Select all that follows", "D", "downstream after"),
            Self::Rename => it(Menu::Edit, "Rename", "F2", "title name"),
            Self::ToggleMute => it(Menu::Edit, "Mute or unmute", "M", "skip disable bypass"),
            Self::QuickAdd => it(Menu::Edit, "Add a step…", "A", "node action trigger insert new"),
            Self::Connect => it(Menu::Edit, "Connect to…", "C", "wire link disconnect"),
            Self::AddNote => it(Menu::Edit, "Add a note", "N", "comment text sticky"),
            Self::Group => it(Menu::Arrange, "Group", "Ctrl+G", "frame"),
            Self::Ungroup => it(Menu::Arrange, "Ungroup", "Ctrl+Shift+G", "frame"),
            Self::ToggleCollapse => it(Menu::Arrange, "Fold or unfold the group", "Ctrl+E", "collapse expand"),
            Self::AlignLeft => it(Menu::Arrange, "Align left", "", "arrange"),
            Self::AlignCenter => it(Menu::Arrange, "Align centres", "", "arrange horizontal center"),
            Self::AlignRight => it(Menu::Arrange, "Align right", "", "arrange"),
            Self::AlignTop => it(Menu::Arrange, "Align top", "", "arrange"),
            Self::AlignMiddle => it(Menu::Arrange, "Align middles", "", "arrange vertical"),
            Self::AlignBottom => it(Menu::Arrange, "Align bottom", "", "arrange"),
            Self::DistributeAcross => it(Menu::Arrange, "Distribute across", "", "space evenly horizontal"),
            Self::DistributeDown => it(Menu::Arrange, "Distribute down", "", "space evenly vertical"),
            Self::TidyUp => it(Menu::Arrange, "Tidy up", "Ctrl+Shift+L", "layout arrange clean"),
            Self::ZoomIn => it(Menu::View, "Zoom in", "Plus", "larger"),
            Self::ZoomOut => it(Menu::View, "Zoom out", "Minus", "smaller"),
            Self::ZoomReset => it(Menu::View, "Zoom to 100 %", "0", "actual size"),
            Self::FitAll => it(Menu::View, "Show everything", "1", "fit zoom all"),
            Self::FitSelection => it(Menu::View, "Show the selection", "2", "fit zoom"),
            Self::Back => it(Menu::View, "Back to the last place", "Alt+Left", "navigate history"),
            Self::Forward => it(Menu::View, "Forward to the next place", "Alt+Right", "navigate history"),
            Self::ToggleOutline => it(Menu::View, "Outline", "Ctrl+Shift+O", "list tree screen reader keyboard canvas"),
            Self::ToggleMinimap => it(Menu::View, "Minimap", "", "overview map"),
            Self::ToggleSnap => it(Menu::View, "Snap to the grid", "", "guides align"),
            Self::ToggleInspector => it(Menu::View, "Inspector", "Ctrl+I", "panel fields hide show"),
            Self::ToggleLog => it(Menu::View, "Log", "Ctrl+J", "panel drawer runs hide show"),
            Self::ResetPanels => it(Menu::View, "Put the panels back", "", "reset layout dock"),
            Self::ShowFlows => it(Menu::View, "Flows", "Alt+1", "canvas editor go"),
            Self::ShowTemplates => it(Menu::View, "Templates", "Alt+2", "gallery start examples go"),
            Self::ShowSandbox => it(Menu::View, "Sandbox", "Alt+3", "records tables faults services go"),
            Self::ShowConnections => it(Menu::View, "Connections", "Alt+5", "accounts sign in token key secret services go"),
            Self::ShowLive => it(Menu::View, "Live flows", "Alt+7", "published on off running background go"),
            Self::GoLive => it(Menu::Run, "Go live…", "Ctrl+Shift+P", "publish deploy activate release"),
            Self::SwitchFlow => it(Menu::Run, "Switch the live flow on or off", "", "enable disable stop start"),
            Self::ShowSettings => it(Menu::View, "Settings", "Ctrl+Comma", "preferences options shortcuts theme go"),
            Self::Palette => it(Menu::View, "Find a command…", "Ctrl+K", "palette search"),
            Self::Test => it(Menu::Run, "Test in the sandbox", "Ctrl+Enter", "run start play try"),
            Self::TestStep => it(Menu::Run, "Test this step", "Ctrl+Shift+Enter", "run single node only"),
            Self::TestToHere => it(Menu::Run, "Test up to here", "Alt+Enter", "run until partial"),
            Self::CancelTest => it(Menu::Run, "Cancel the test", "Ctrl+Period", "stop abort"),
            Self::ThemeSystem => it(Menu::View, "Theme like the system", "", "colours"),
            Self::ThemeDark => it(Menu::View, "Dark theme", "", "colours night"),
            Self::ThemeLight => it(Menu::View, "Light theme", "", "colours day"),
            Self::ScaleUp => it(Menu::View, "Larger text and controls", "Ctrl+Plus", "scale zoom interface"),
            Self::ScaleDown => it(Menu::View, "Smaller text and controls", "Ctrl+Minus", "scale zoom interface"),
            Self::ScaleReset => it(Menu::View, "Text and controls at 100 %", "Ctrl+0", "scale zoom interface"),
            Self::ToggleMotion => it(Menu::View, "Less motion", "", "animation reduced accessibility"),
            Self::ShowLog => it(Menu::View, "Log of all flows", "Alt+4", "runs history search requests whole window go"),
        }
    }

    /// What a person reads.
    pub(crate) fn title(self) -> &'static str {
        self.spec().title
    }

    /// Whether it works on the flow in front, so that it is off where there is none.
    pub(crate) fn needs_flow(self) -> bool {
        let menu = self.spec().menu;
        let view = matches!(
            self,
            Self::ZoomIn | Self::ZoomOut | Self::ZoomReset | Self::FitAll | Self::FitSelection | Self::Back | Self::Forward
        );
        matches!(menu, Menu::Edit | Menu::Arrange | Menu::Run)
            || view
            || matches!(self, Self::Save | Self::SaveAs | Self::CloseTab)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_is_in_the_list_once() {
        let set: BTreeSet<_> = UiCommand::ALL.iter().collect();
        assert_eq!(set.len(), UiCommand::ALL.len());
        // The last variant's number says how many there are.
        assert_eq!(UiCommand::ALL.len(), UiCommand::SwitchFlow as usize + 1);
    }

    #[test]
    fn titles_are_told_apart() {
        let titles: BTreeSet<_> = UiCommand::ALL.iter().map(|it| it.title()).collect();
        assert_eq!(titles.len(), UiCommand::ALL.len());
    }
}
