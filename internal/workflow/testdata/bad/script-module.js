export default function transform({ a }) {
  return a;
}
