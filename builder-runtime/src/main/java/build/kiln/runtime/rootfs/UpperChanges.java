package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * An overlay's upper directory as a layer.
 *
 * <p>Overlay copies a directory up before it changes something in it, so the upper has directories
 * that are as they were. They are left out, unless something below them has changed. Files that
 * were copied up are taken for changed.
 */
final class UpperChanges implements LayerSource {
  /** Deeper trees are refused when a layer is read. */
  static final int MAX_DEPTH = 2048;

  private final DirectoryHandle workspace;
  private final String upper;
  private final OverlayMarks marks;
  private final List<Place> lowers;
  private final EntryMeta rootBefore;
  private final EntryReader reader;
  private final Consumer<UpperSurplus> surplus;

  /**
   * @param upper the upper directory's path in the workspace
   * @param lowers the topmost first
   * @param rootBefore the root directory as it was
   * @param surplus is told, each time that the changes were read, what is none of them
   */
  UpperChanges(
      DirectoryHandle workspace,
      String upper,
      OverlayMarks marks,
      List<Place> lowers,
      EntryMeta rootBefore,
      Consumer<UpperSurplus> surplus) {
    this.workspace = workspace;
    this.upper = upper;
    this.marks = marks;
    this.lowers = List.copyOf(lowers);
    this.rootBefore = rootBefore;
    this.surplus = surplus;
    this.reader = new EntryReader(marks::shown);
  }

  @Override
  public void writeTo(Sink sink) throws IOException {
    Failures.explained(
        "read the changes of a step in " + workspace.label() + "/" + upper,
        () -> DeepStack.call(() -> write(sink)));
  }

  private Sink write(Sink sink) throws IOException {
    var found = new UpperSurplus();
    try (DirectoryHandle root = workspace.openDirectory(upper)) {
      EntryMeta meta = reader.directory("", root);
      if (!Metadata.same(meta, rootBefore)) {
        sink.add(meta);
        found.rootDescribed();
      }
      new Walk(sink, found).walk(root, "", new LowerDirectory(marks, lowers));
    }
    surplus.accept(found);
    return sink;
  }

  /** One pass over the upper directory. */
  private final class Walk {
    private final Sink sink;
    private final UpperSurplus found;

    /** Directories on the way that are as they were, and not written yet. */
    private final Deque<EntryMeta> unchanged = new ArrayDeque<>();

    private int depth;

    Walk(Sink sink, UpperSurplus found) {
      this.sink = sink;
      this.found = found;
    }

    void walk(DirectoryHandle directory, String path, LowerDirectory lower) throws IOException {
      if (++depth > MAX_DEPTH) {
        throw new LayerException(
            LayerException.Code.LIMIT_EXCEEDED,
            "the step left directories nested deeper than " + MAX_DEPTH + "; remove them in it");
      }
      for (String name : directory.names()) {
        String child = LayerPaths.join(path, name);
        if (!StepPaths.contain(child)) {
          entry(directory, name, child, lower);
        }
      }
      depth--;
    }

    private void entry(DirectoryHandle parent, String name, String path, LowerDirectory lower)
        throws IOException {
      FileStatus status = parent.status(name);
      if (status.isDirectory()) {
        try (DirectoryHandle directory = parent.openDirectory(name)) {
          directory(directory, path, lower.find(name).flatMap(LowerDirectory.Entry::directory));
        }
      } else if (status.isOverlayWhiteout() || status.type() == FileType.SOCKET) {
        // A socket has no form in a layer; but what it replaced is gone.
        if (lower.find(name).isPresent()) {
          writeParents();
          sink.whiteout(path);
          found.removed(path, status.type() == FileType.SOCKET);
        } else {
          found.needless(path);
        }
      } else {
        writeParents();
        found.file(status.type() == FileType.FILE ? status.size() : 0);
        reader.add(sink, parent, name, path, status);
      }
    }

    private void directory(DirectoryHandle directory, String path, Optional<LowerDirectory> lower)
        throws IOException {
      EntryMeta meta = reader.directory(path, directory);
      if (lower.isEmpty()) {
        // Overlay marks new directories as opaque too, though there is nothing to hide.
        if (marks.isOpaque(directory.xattrs())) {
          found.falselyOpaque(path);
        }
        write(meta);
        walk(directory, path, new LowerDirectory(marks, List.of()));
        return;
      }
      if (marks.isOpaque(directory.xattrs())) {
        write(meta);
        sink.opaque(path);
        walk(directory, path, new LowerDirectory(marks, List.of()));
        return;
      }
      if (Metadata.same(meta, before(path, lower.get()))) {
        unchanged.addLast(meta);
        walk(directory, path, lower.get());
        if (unchanged.removeLastOccurrence(meta)) {
          found.needless(path);
        }
        return;
      }
      write(meta);
      walk(directory, path, lower.get());
    }

    private EntryMeta before(String path, LowerDirectory lower) throws IOException {
      try (DirectoryHandle directory = lower.open()) {
        return reader.directory(path, directory);
      }
    }

    private void write(EntryMeta meta) throws IOException {
      writeParents();
      sink.add(meta);
    }

    private void writeParents() throws IOException {
      for (EntryMeta meta = unchanged.pollFirst(); meta != null; meta = unchanged.pollFirst()) {
        sink.add(meta);
      }
    }
  }
}
