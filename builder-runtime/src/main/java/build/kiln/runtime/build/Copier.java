package build.kiln.runtime.build;

import build.kiln.runtime.build.Accounts.Owner;
import build.kiln.runtime.build.CopyPlan.Conflict;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.rootfs.Resolved;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Puts files into a plan by the rules of COPY. A directory's content is copied, not the directory:
 * of that only the time is taken; those below it take all of the source's. A file goes into the
 * destination if that is a directory, and in its place if not.
 */
final class Copier {
  private final CopyPlan plan;
  private final Destination destination;
  private final @Nullable Owner owner;
  private final @Nullable ModeChange mode;
  private final Map<Long, Long> links = new HashMap<>();
  private long lastLink;
  private boolean replaced;
  private OptionalLong time = OptionalLong.empty();

  /**
   * Where to.
   *
   * @param path relative to the root, not followed yet
   * @param directory whether it must be a directory: it ends with a slash, or there are several
   *     sources
   */
  record Destination(String path, boolean directory) {}

  /**
   * @param owner of all that is copied; null keeps the sources'
   * @param mode a change of the sources' modes, or null
   */
  Copier(CopyPlan plan, Destination destination, @Nullable Owner owner, @Nullable ModeChange mode) {
    this.plan = plan;
    this.destination = destination;
    this.owner = owner;
    this.mode = mode;
  }

  /**
   * Copies a match of a source, and of a directory's content what is selected. Hard links stay
   * links among the files of one match.
   *
   * @param root whether a directory that is copied gives its mode and time to the destination, if
   *     that is not there yet and is not written with a slash
   */
  void copy(CopySource.Picked from, Sources.Match match, boolean root)
      throws IOException, Conflict {
    links.clear();
    time = from.time();
    FileTree tree = from.tree();
    if (match.entry().isDirectory()) {
      Resolved target = plan.resolve(destination.path());
      if (root && !destination.directory() && !target.exists() && !target.path().isEmpty()) {
        put(tree, match.entry(), target.path());
      } else {
        // Of a directory whose content is copied only the time is taken, and of no root.
        EntryMeta source = dated(match.entry());
        if (source.path().isEmpty()) {
          plan.directory(target.path());
        } else {
          plan.directory(target.path(), source.mtimeSeconds(), source.mtimeNanos());
        }
      }
      content(tree, match.entry(), target.path(), from.selection(), null);
    } else {
      put(tree, match.entry(), fileTarget(match.name()));
    }
  }

  /** Writes a file of this content. */
  void write(String name, byte[] content, long mtime) throws IOException, Conflict {
    var meta = EntryMeta.file(fileTarget(name), 0644, 0, 0, mtime, content.length);
    plan.put(changed(meta), () -> new ByteArrayInputStream(content));
  }

  /** Where a file of that name goes. */
  private String fileTarget(String name) throws IOException, Conflict {
    Resolved target = plan.resolve(destination.path());
    boolean into =
        destination.directory()
            || target.path().isEmpty()
            || target.exists()
                && plan.lookup(target.real()).filter(EntryMeta::isDirectory).isPresent();
    if (into) {
      return LayerPaths.join(target.path(), name);
    }
    if (replaced) {
      throw new Conflict(
          "several files are copied, so the destination must be a directory: end it with a slash");
    }
    replaced = true;
    return target.path();
  }

  private void content(
      FileTree tree,
      EntryMeta directory,
      String target,
      Selection selection,
      @Nullable Parent parent)
      throws IOException, Conflict {
    for (EntryMeta child : tree.children(directory.path())) {
      place(
          tree,
          child,
          LayerPaths.join(target, child.name()),
          selection.child(child.name()),
          parent);
    }
  }

  private void place(
      FileTree tree, EntryMeta source, String target, Selection selection, @Nullable Parent parent)
      throws IOException, Conflict {
    boolean taken = selection.takes();
    if (taken) {
      if (parent != null) {
        parent.make();
      }
      put(tree, source, target);
    }
    if (source.isDirectory() && selection.mayTakeBelow()) {
      Parent below = taken ? parent : new Parent(source, target, parent);
      content(tree, source, target, selection, below);
    }
  }

  private void put(FileTree tree, EntryMeta source, String target) throws IOException, Conflict {
    EntryMeta meta = changed(source.withPath(target)).withLinkId(linkId(source));
    plan.put(meta, source.kind() == Kind.FILE ? () -> tree.open(source) : null);
  }

  /** A directory that is not copied for itself, and is made when something below it is. */
  private final class Parent {
    private final EntryMeta source;
    private final String target;
    private final @Nullable Parent above;
    private boolean made;

    Parent(EntryMeta source, String target, @Nullable Parent above) {
      this.source = source;
      this.target = target;
      this.above = above;
    }

    void make() throws IOException, Conflict {
      if (made) {
        return;
      }
      made = true;
      if (above != null) {
        above.make();
      }
      Optional<EntryMeta> there = plan.lookup(target).filter(EntryMeta::isDirectory);
      // As BuildKit: one that is there takes the source's mode, whatever --chmod says, no more.
      plan.put(
          there.isPresent()
              ? there.get().withMode(source.mode())
              : changed(source.withPath(target)),
          null);
    }
  }

  private long linkId(EntryMeta source) {
    return source.linkId() == 0 ? 0 : links.computeIfAbsent(source.linkId(), id -> ++lastLink);
  }

  private EntryMeta dated(EntryMeta meta) {
    return time.isPresent() ? meta.withMtime(time.getAsLong(), 0) : meta;
  }

  private EntryMeta changed(EntryMeta source) {
    EntryMeta meta = dated(source);
    EntryMeta result =
        Optional.ofNullable(owner).map(o -> meta.withOwner(o.uid(), o.gid())).orElse(meta);
    return mode == null || meta.kind() == Kind.SYMLINK
        ? result
        : result.withMode(mode.apply(meta.mode(), meta.isDirectory()));
  }
}
