package build.kiln.runtime.cache;

import build.kiln.runtime.cache.StepInputs.Parent;
import build.kiln.runtime.cache.StepInputs.Parent.Kind;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Says what keeps a step from being one that was done before: for people, in a line. */
public final class MissReason {
  public static final String CACHE_IS_OFF = "the cache is off for this build";
  public static final String FIRST = "first build of this step";
  public static final String LAYER_IS_GONE = "the layer is gone from the cache";
  public static final String ENTRY_IS_GONE = "the entry is gone from the cache";
  static final String UNKNOWN = "something that earlier builds did not write down";

  /** So many differences are told; of more only the number. */
  private static final int SHOWN = 3;

  private static final int NAME = 100;
  private static final int DIGEST = 19;

  private MissReason() {}

  /**
   * What changed against the nearest of these.
   *
   * @param known newest first
   */
  static String against(StepInputs now, Collection<StepInputs> known) {
    return known.stream()
        .min(
            Comparator.comparing((StepInputs then) -> !sameText(now, then))
                .thenComparing(then -> differences(now, then).size()))
        .map(then -> words(differences(now, then)))
        .orElse(FIRST);
  }

  private static boolean sameText(StepInputs now, StepInputs then) {
    return now.textHash().equals(then.textHash());
  }

  private static String words(List<String> differences) {
    if (differences.isEmpty()) {
      return UNKNOWN;
    }
    if (differences.size() <= SHOWN) {
      return String.join(", ", differences);
    }
    return String.join(", ", differences.subList(0, SHOWN))
        + " and %d more".formatted(differences.size() - SHOWN);
  }

  /** All that differs, what comes first in a build first. */
  static List<String> differences(StepInputs now, StepInputs then) {
    var found = new ArrayList<String>();
    if (!sameText(now, then)) {
      found.add("the instruction itself (was: %s)".formatted(cut(then.text())));
    }
    parent(now.parent(), then.parent()).ifPresent(found::add);
    changed(now.arguments(), then.arguments(), "build argument ", found);
    changed(now.environment(), then.environment(), "environment variable ", found);
    changed(now.settings(), then.settings(), "", found);
    boolean filesKnown = now.source() == null || !(now.files().isEmpty() || then.files().isEmpty());
    if (filesKnown) {
      files(now, then, found);
    } else if (!Objects.equals(now.sourceHash(), then.sourceHash())) {
      found.add("the files of " + now.source());
    }
    if (found.isEmpty() && !now.words().equals(then.words())) {
      found.add("the instruction itself");
    }
    return found;
  }

  private static Optional<String> parent(@Nullable Parent now, @Nullable Parent then) {
    if (now == null || then == null || now.chain().equals(then.chain())) {
      return Optional.empty();
    }
    return Optional.of(
        switch (now.kind()) {
          case STEP -> earlierStep(now.name());
          case EMPTY -> "the base is scratch, was " + named(then);
          case BASE -> base(now, then);
        });
  }

  /**
   * @param instruction of the step before, as written
   */
  public static String earlierStep(String instruction) {
    return "an earlier step: " + cut(instruction);
  }

  private static String base(Parent now, Parent then) {
    boolean same = then.kind() == Kind.BASE && then.name().equals(now.name());
    if (!same) {
      return "the base is %s, was %s".formatted(cut(now.name()), named(then));
    }
    return "base %s is %s, was %s".formatted(cut(now.name()), digest(now), digest(then));
  }

  private static String named(Parent parent) {
    return switch (parent.kind()) {
      case BASE -> cut(parent.name());
      case EMPTY -> "scratch";
      case STEP -> "the step " + cut(parent.name());
    };
  }

  private static String digest(Parent parent) {
    String digest = Objects.requireNonNullElse(parent.digest(), "unknown");
    return digest.length() <= DIGEST ? digest : digest.substring(0, DIGEST) + "…";
  }

  private static void changed(
      Map<String, String> now, Map<String, String> then, String prefix, List<String> found) {
    var names = new TreeSet<>(now.keySet());
    names.addAll(then.keySet());
    for (String name : names) {
      if (!Objects.equals(now.get(name), then.get(name))) {
        found.add(prefix + cut(name));
      }
    }
  }

  private static void files(StepInputs now, StepInputs then, List<String> found) {
    var paths = new TreeSet<>(now.files().keySet());
    paths.addAll(then.files().keySet());
    for (String path : paths) {
      FileInput is = now.files().get(path);
      FileInput was = then.files().get(path);
      String shown = path.isEmpty() ? "." : cut(path);
      if (was == null) {
        found.add(shown + " is new");
      } else if (is == null) {
        found.add(shown + " is gone");
      } else {
        file(is, was, shown, found);
      }
    }
  }

  private static void file(FileInput is, FileInput was, String path, List<String> found) {
    if (!is.kind().equals(was.kind())) {
      found.add("kind of " + path);
      return;
    }
    if (!is.content().equals(was.content())) {
      found.add((is.kind().equals("SYMLINK") ? "link target of " : "content of ") + path);
    }
    if (!is.mode().equals(was.mode())) {
      found.add("mode of " + path);
    }
    if (!is.owner().equals(was.owner())) {
      found.add("owner of " + path);
    }
    if (!is.rest().equals(was.rest())) {
      found.add("extended attributes of " + path);
    }
  }

  private static String cut(String text) {
    return text.length() <= NAME ? text : text.substring(0, NAME) + "…";
  }
}
