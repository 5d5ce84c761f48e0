package build.kiln.runtime.dockerfile;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A Dockerfile as text that a person can compare: every component of every instruction. */
final class Dump {

  static String of(Dockerfile dockerfile) {
    var out = new StringBuilder();
    Directives directives = dockerfile.directives();
    directives.syntax().ifPresent(w -> out.append("syntax ").append(value(w)).append('\n'));
    if (directives.escape() != '\\') {
      out.append("escape ").append(directives.escape()).append('\n');
    }
    directives.check().ifPresent(w -> out.append("check ").append(value(w)).append('\n'));
    dockerfile.globalArgs().forEach(a -> out.append(of(a, "")));
    for (Stage stage : dockerfile.stages()) {
      out.append("stage ").append(stage.number()).append(stage.name().map(n -> " " + n).orElse(""));
      out.append(place(stage.range())).append('\n');
      out.append(of(stage.from(), "  "));
      stage.instructions().forEach(i -> out.append(of(i, "  ")));
    }
    dockerfile.warnings().forEach(w -> out.append("warning ").append(w.summary()).append('\n'));
    return out.toString();
  }

  static String of(Instruction instruction, String indent) {
    var out = new StringBuilder(indent).append(instruction.name());
    out.append(place(instruction.range())).append(' ').append(quote(instruction.original()));
    out.append('\n');
    for (RecordComponent component : instruction.getClass().getRecordComponents()) {
      if (component.getName().equals("origin")) {
        continue;
      }
      Object value = get(component, instruction);
      if (value instanceof Instruction inner) {
        out.append(of(inner, indent + "    "));
      } else if (value != null && !value.equals(List.of()) && !value.equals(false)) {
        out.append(indent).append("  ").append(component.getName()).append(": ");
        out.append(value(value)).append('\n');
      }
    }
    return out.toString();
  }

  private static String value(@Nullable Object value) {
    return switch (value) {
      case null -> "-";
      case String s -> quote(s);
      case Word w -> quote(w.text()) + place(w.range());
      case List<?> list -> String.join(", ", list.stream().map(Dump::value).toList());
      case SourceRange r -> place(r).strip();
      case Record r -> {
        var parts = new ArrayList<String>();
        for (RecordComponent component : r.getClass().getRecordComponents()) {
          Object part = get(component, r);
          if (part != null && !part.equals(List.of()) && !part.equals(false)) {
            parts.add(component.getName() + "=" + value(part));
          }
        }
        yield r.getClass().getSimpleName() + "(" + String.join(", ", parts) + ")";
      }
      default -> value.toString();
    };
  }

  private static @Nullable Object get(RecordComponent component, Record record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static @Nullable Object get(RecordComponent component, Instruction instruction) {
    return get(component, (Record) instruction);
  }

  private static String place(SourceRange r) {
    return " @%d:%d-%d:%d".formatted(r.startLine(), r.startColumn(), r.endLine(), r.endColumn());
  }

  private static String quote(String text) {
    var out = new StringBuilder("\"");
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c >= 0xD800 && c <= 0xDFFF) {
                    out.append("\\x%02x".formatted(c & 0xFF));
                  } else {
                    out.appendCodePoint(c);
                  }
                }
              }
            });
    return out.append('"').toString();
  }

  private Dump() {}
}
