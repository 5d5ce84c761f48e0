package build.kiln.runtime.store;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.TarWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a layout's files go; parents come before what is in them. */
interface LayoutTarget {
  void directory(String path) throws IOException;

  void file(String path, long size, InputStream content) throws IOException;

  default void file(String path, byte[] content) throws IOException {
    file(path, content.length, new ByteArrayInputStream(content));
  }

  /** A tar of root's files, all of the epoch's start. */
  static LayoutTarget tar(TarWriter tar) {
    return new LayoutTarget() {
      @Override
      public void directory(String path) throws IOException {
        tar.add(EntryMeta.directory(path, 0755, 0, 0, 0));
      }

      @Override
      public void file(String path, long size, InputStream content) throws IOException {
        tar.add(EntryMeta.file(path, 0644, 0, 0, 0, size), content);
      }
    };
  }

  /** A folder that exists. */
  static LayoutTarget folder(Path folder) {
    return new LayoutTarget() {
      @Override
      public void directory(String path) throws IOException {
        Files.createDirectory(folder.resolve(path));
      }

      @Override
      public void file(String path, long size, InputStream content) throws IOException {
        Files.copy(content, folder.resolve(path));
      }
    };
  }
}
