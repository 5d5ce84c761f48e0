package build.kiln.runtime.dockerfile;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** What someone who mistyped a name may have meant. */
public final class Suggestions {
  private static final int MOST_EDITS = 3;

  /**
   * The candidate nearest to the name: by insertions, deletions, replacements and swaps of
   * neighbours, case aside, at most one for each three letters. Empty if none is that near, or the
   * name is among the candidates.
   */
  public static Optional<String> nearest(String name, Collection<String> candidates) {
    if (name.isEmpty() || name.length() > 100 || candidates.contains(name)) {
      return Optional.empty();
    }
    int limit = Math.clamp(name.length() / 3, 1, MOST_EDITS);
    String wanted = name.toLowerCase(Locale.ROOT);
    record Candidate(String name, int distance) {}
    return candidates.stream()
        .filter(c -> Math.abs(c.length() - name.length()) <= limit)
        .map(c -> new Candidate(c, distance(wanted, c.toLowerCase(Locale.ROOT))))
        .filter(c -> c.distance <= limit)
        .min(Comparator.comparingInt(Candidate::distance).thenComparing(Candidate::name))
        .map(Candidate::name);
  }

  /** Optimal string alignment distance. */
  private static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + change, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }

  private Suggestions() {}
}
