package build.kiln.runtime.dockerfile;

import static build.kiln.runtime.dockerfile.InstructionReader.bad;

import build.kiln.runtime.dockerfile.Instruction.Add;
import build.kiln.runtime.dockerfile.Instruction.Copy;
import build.kiln.runtime.dockerfile.Instruction.FileOptions;
import build.kiln.runtime.dockerfile.Instruction.Origin;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** COPY and ADD. */
final class CopyReader {

  static Instruction read(Node node, Keyword keyword, Origin origin, FlagSet flags) {
    List<Word> words = InstructionReader.list(node.arguments());
    if (words.size() < 2) {
      throw bad(
          words.isEmpty() ? origin.keyword() : words.get(0).range(),
          keyword
              + " requires at least two arguments, but "
              + (words.isEmpty() ? "none" : "only one")
              + " was provided",
          keyword + " source... destination");
    }
    Word destination = words.get(words.size() - 1);
    boolean json = JsonArray.read(node.arguments()).isJson();
    if (!json && Heredocs.of(destination.text(), destination.range()).isPresent()) {
      throw bad(destination.range(), "a here-document cannot be the destination", null);
    }
    var sources = new ArrayList<Word>();
    var heredocs = new ArrayList<Heredoc>();
    var bodies = new ArrayDeque<>(node.heredocs());
    for (Word word : words.subList(0, words.size() - 1)) {
      if (!json && isHeredoc(word)) {
        Heredoc found = bodies.poll();
        if (found == null) {
          throw bad(word.range(), "a here-document without its text", null);
        }
        checkFileName(word, found);
        heredocs.add(found);
      } else {
        sources.add(word);
      }
    }
    return keyword == Keyword.COPY
        ? copy(origin, flags, sources, heredocs, destination)
        : add(origin, flags, sources, heredocs, destination);
  }

  /** What ends a here-document is also the name of the file that is copied. */
  private static void checkFileName(Word word, Heredoc heredoc) {
    String name = heredoc.name();
    if (name.contains("/") || name.equals(".") || name.equals("..")) {
      throw bad(
          word.range(),
          "\"" + name + "\" cannot be a file's name, which a here-document has here",
          "end it with another word, and name the file in the destination");
    }
  }

  private static boolean isHeredoc(Word word) {
    if (word.text().equals("<<") || word.text().equals("<<-")) {
      throw bad(
          word.range(),
          "no space may stand between << and the word that ends the here-document",
          "<<EOF");
    }
    return Heredocs.of(word.text(), word.range()).isPresent();
  }

  private static Copy copy(
      Origin origin, FlagSet flags, List<Word> sources, List<Heredoc> heredocs, Word destination) {
    Word from = flags.value("from");
    if (from != null && from.text().contains("$")) {
      throw bad(
          from.range(),
          "--from does not take variables",
          "name a stage with FROM and an ARG before it, and copy from that stage");
    }
    return new Copy(
        origin, sources, heredocs, destination, options(flags), from, flags.isSet("parents"));
  }

  private static Add add(
      Origin origin, FlagSet flags, List<Word> sources, List<Heredoc> heredocs, Word destination) {
    Word checksum = flags.value("checksum");
    if (checksum != null && sources.size() != 1) {
      throw bad(checksum.range(), "--checksum is for one source only", null);
    }
    return new Add(
        origin,
        sources,
        heredocs,
        destination,
        options(flags),
        checksum,
        flags.isSet("keep-git-dir"),
        flags.choice("unpack"));
  }

  private static FileOptions options(FlagSet flags) {
    return new FileOptions(
        flags.value("chown"), flags.value("chmod"), flags.isSet("link"), flags.values("exclude"));
  }

  private CopyReader() {}
}
