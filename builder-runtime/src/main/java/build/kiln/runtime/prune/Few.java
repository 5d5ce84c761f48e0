package build.kiln.runtime.prune;

import build.kiln.api.v1alpha1.Text;
import java.util.Collection;
import java.util.stream.Collectors;

/** Some of what there is, for messages: the first ten, each short and on one line. */
public final class Few {
  private static final int SHOWN = 10;
  private static final int LONGEST = 300;

  private Few() {}

  /** The first of them, and how many more there are. */
  public static String of(Collection<String> all) {
    String first =
        all.stream().limit(SHOWN).map(text -> cut(text, LONGEST)).collect(Collectors.joining("; "));
    return all.size() <= SHOWN ? first : first + "; and " + (all.size() - SHOWN) + " more";
  }

  /** A name that somebody else wrote. */
  static String cut(String text, int length) {
    return Text.orEmpty(Text.start(text.replaceAll("\\p{Cntrl}", "?"), length));
  }
}
