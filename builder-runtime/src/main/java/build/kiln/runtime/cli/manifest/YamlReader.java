package build.kiln.runtime.cli.manifest;

import build.kiln.runtime.cli.manifest.ManifestException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.composer.Composer;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeId;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * Reads YAML into trees. Only YAML's structure is the library's; what scalars mean is told by
 * {@link Scalars}, so that a manifest means the same here and to kubectl. Aliases and merge keys
 * are followed, within limits; a key that is there twice is an error.
 */
final class YamlReader {
  private static final int MOST_CHARACTERS = 8 * 1024 * 1024;
  private static final int MOST_VALUES = 200_000;
  private static final String MERGE = "<<";

  /** The tag of plain scalars without a tag. */
  private static final Tag UNTAGGED = new Tag("tag:kiln.build,2025:untagged");

  private static final Set<Tag> TAGS = Set.of(UNTAGGED, Tag.STR, Tag.MAP, Tag.SEQ);

  private final String file;
  private final Set<Node> open = Collections.newSetFromMap(new IdentityHashMap<>());
  private int values;

  private YamlReader(String file) {
    this.file = file;
  }

  /**
   * Every document that is not empty.
   *
   * @throws ManifestException if it is no YAML
   */
  static List<Tree> read(String file, String text) {
    YamlReader reader = new YamlReader(file);
    List<Tree> documents = new ArrayList<>();
    try {
      Composer composer = composer(text);
      while (composer.checkNode()) {
        Tree tree = reader.tree(composer.getNode());
        if (!tree.json().isNull()) {
          documents.add(tree);
        }
      }
    } catch (MarkedYAMLException e) {
      Mark mark = e.getProblemMark() == null ? e.getContextMark() : e.getProblemMark();
      String problem = e.getProblem() == null ? e.getContext() : e.getProblem();
      throw reader.wrong(mark == null ? Place.START : place(mark), "this is no YAML: " + problem);
    } catch (YAMLException e) {
      throw reader.wrong(Place.START, "this is no YAML: " + e.getMessage());
    }
    return documents;
  }

  /** Nodes only: what makes objects of them asks for a logger, which is looked for in every jar. */
  private static Composer composer(String text) {
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(MOST_CHARACTERS);
    Resolver untagged =
        new Resolver() {
          @Override
          public Tag resolve(NodeId kind, @Nullable String value, boolean implicit) {
            return kind == NodeId.scalar && implicit
                ? UNTAGGED
                : super.resolve(kind, value, implicit);
          }
        };
    var parser = new ParserImpl(new StreamReader(new StringReader(text)), options);
    return new Composer(parser, untagged, options);
  }

  private Tree tree(Node node) {
    Place place = place(node.getStartMark());
    if (++values > MOST_VALUES) {
      throw wrong(place, "more than " + MOST_VALUES + " values, aliases counted where used");
    }
    if (!open.add(node)) {
      throw wrong(place, "this value contains itself by an alias: write it out");
    }
    try {
      return switch (node) {
        case Node tagged when !TAGS.contains(tagged.getTag()) ->
            throw wrong(place, "the tag " + tagged.getTag() + " is not supported: remove it");
        case MappingNode mapping -> new Tree.Fields(place, fields(mapping));
        case SequenceNode sequence ->
            new Tree.Items(place, sequence.getValue().stream().map(this::tree).toList());
        case ScalarNode scalar -> new Tree.Scalar(place, scalar(scalar, place));
        default -> throw wrong(place, "a value of an unknown kind: " + node.getNodeId());
      };
    } finally {
      open.remove(node);
    }
  }

  private Map<String, Tree.Field> fields(MappingNode mapping) {
    Map<String, Tree.Field> fields = new LinkedHashMap<>();
    Map<String, Tree.Field> merged = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      Place at = place(tuple.getKeyNode().getStartMark());
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        throw wrong(at, "a key must be a text, not a mapping or sequence");
      }
      Tree value = tree(tuple.getValueNode());
      if (key.getScalarStyle() == ScalarStyle.PLAIN && key.getValue().equals(MERGE)) {
        merge(value, merged);
        continue;
      }
      Tree.Field before = fields.put(key.getValue(), new Tree.Field(at, value));
      if (before != null) {
        throw wrong(
            at,
            "the key \"%s\" is there already, at line %d: remove one of them"
                .formatted(key.getValue(), before.place().line()));
      }
    }
    merged.forEach(fields::putIfAbsent);
    return fields;
  }

  private void merge(Tree value, Map<String, Tree.Field> merged) {
    switch (value) {
      case Tree.Fields mapping -> mapping.fields().forEach(merged::putIfAbsent);
      case Tree.Items sequence -> sequence.items().forEach(item -> merge(item, merged));
      case Tree.Scalar scalar ->
          throw wrong(scalar.place(), "the merge key << needs a mapping: remove it");
    }
  }

  private JsonNode scalar(ScalarNode scalar, Place place) {
    String text = scalar.getValue();
    return scalar.getTag().equals(UNTAGGED)
        ? Scalars.plain(text)
            .orElseThrow(() -> wrong(place, text + " is no number that JSON can hold"))
        : JsonNodeFactory.instance.textNode(text);
  }

  private ManifestException wrong(Place place, String message) {
    return new ManifestException(Code.SyntaxInvalid, file, place, message);
  }

  private static Place place(Mark mark) {
    return new Place(mark.getLine() + 1, mark.getColumn() + 1);
  }
}
