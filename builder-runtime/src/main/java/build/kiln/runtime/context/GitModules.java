package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.LayerPaths;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.jgit.errors.ConfigInvalidException;
import org.eclipse.jgit.lib.BlobBasedConfig;
import org.eclipse.jgit.lib.Config;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.treewalk.TreeWalk;
import org.jspecify.annotations.Nullable;

/** The submodules of a commit: where they stand in it, and where they come from. */
final class GitModules {
  private static final String FILE = ".gitmodules";

  /**
   * One submodule.
   *
   * @param url as {@code .gitmodules} has it, made absolute
   */
  record Module(String path, ObjectId commit, String url) {}

  /**
   * All submodules, with what {@code .gitmodules} says of them.
   *
   * @param parent the repository's own URL, where relative ones start
   * @throws ContextException INVALID if one has no URL
   */
  static List<Module> of(Repository repository, RevCommit commit, String parent, String where)
      throws IOException {
    Map<String, ObjectId> links = links(repository, commit);
    if (links.isEmpty()) {
      return List.of();
    }
    Map<String, String> urls = urls(repository, commit, where);
    var modules = new ArrayList<Module>();
    for (Map.Entry<String, ObjectId> link : links.entrySet()) {
      String url = urls.get(link.getKey());
      if (url == null) {
        throw new ContextException(
            Code.INVALID,
            "%s has the submodule \"%s\", but .gitmodules has no URL for it; mend that, or add ?submodules=false to the URL"
                .formatted(where, link.getKey()));
      }
      modules.add(new Module(link.getKey(), link.getValue(), absolute(parent, url)));
    }
    return modules;
  }

  private static Map<String, ObjectId> links(Repository repository, RevCommit commit)
      throws IOException {
    var links = new HashMap<String, ObjectId>();
    try (var walk = new TreeWalk(repository)) {
      walk.addTree(commit.getTree());
      while (walk.next()) {
        if (walk.isSubtree()) {
          walk.enterSubtree();
        } else if (walk.getFileMode(0).equals(FileMode.GITLINK)) {
          links.put(walk.getPathString(), walk.getObjectId(0));
        }
      }
    }
    return links;
  }

  private static Map<String, String> urls(Repository repository, RevCommit commit, String where)
      throws IOException {
    var urls = new HashMap<String, String>();
    Config config = config(repository, commit, where);
    if (config != null) {
      for (String name : config.getSubsections("submodule")) {
        String path = config.getString("submodule", name, "path");
        String url = config.getString("submodule", name, "url");
        if (path != null && url != null) {
          urls.put(path, url);
        }
      }
    }
    return urls;
  }

  private static @Nullable Config config(Repository repository, RevCommit commit, String where)
      throws IOException {
    try (TreeWalk found = TreeWalk.forPath(repository, FILE, commit.getTree())) {
      return found == null || !FileMode.REGULAR_FILE.equals(found.getFileMode(0).getBits())
          ? null
          : new BlobBasedConfig(null, repository, commit, FILE);
    } catch (ConfigInvalidException e) {
      throw new ContextException(
          Code.INVALID, "%s has a .gitmodules that cannot be read".formatted(where), e);
    }
  }

  /** As git does: {@code ./x} and {@code ../x} start at the parent's own URL. */
  static String absolute(String parent, String url) {
    if (!url.startsWith("./") && !url.startsWith("../")) {
      return url;
    }
    String base = parent.replaceFirst("/+$", "");
    String rest = url;
    while (true) {
      if (rest.startsWith("./")) {
        rest = rest.substring(2);
      } else if (rest.startsWith("../")) {
        rest = rest.substring(3);
        int slash = base.lastIndexOf('/');
        int colon = base.lastIndexOf(':');
        int cut = Math.max(slash, colon);
        base = cut < 0 ? "" : base.substring(0, cut == colon ? cut + 1 : cut);
      } else {
        return base.endsWith(":") ? base + rest : LayerPaths.join(base, rest);
      }
    }
  }

  private GitModules() {}
}
