"""Pictures: reading, resizing, folders, patches, the photographs that come along. No models here."""
