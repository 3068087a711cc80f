use std::path::PathBuf;

use sd_engine::LibraryFolders;

/// The folders of files that prompts name.
#[derive(clap::Args)]
pub struct FolderFlags {
    /// Folder of the LoRAs that prompts name with <lora:NAME:WEIGHT>
    #[arg(long, value_name = "DIR", env = "LORA_DIR", help_heading = "Prompts")]
    lora_dir: Option<PathBuf>,
    /// Folder of textual inversions: their names are words in prompts, and embedding:NAME too
    #[arg(long, value_name = "DIR", help_heading = "Prompts")]
    embedding_dir: Option<PathBuf>,
}

impl FolderFlags {
    /// Adds the folders to those of a library.
    pub fn add_to(&self, folders: &mut LibraryFolders) {
        folders.loras.clone_from(&self.lora_dir);
        folders.embeddings.clone_from(&self.embedding_dir);
    }
}
